import type { Change } from '@icefall/shared';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { paths } from '../../routes.ts';
import { newestFirst, store } from '../../store/index.ts';
import { Ago, BuildLink, Empty, Page } from '../../ui/parts.tsx';
import { messageOf, useResource } from '../../ui/resource.ts';
import { may } from '../access/session.ts';
import { shortName } from '../waterfall/filters.ts';
import { BuildTable } from './build-table.tsx';

const PAGE = 50;

/** Pushes, newest first, with what they caused. */
export function Changes(): JSX.Element {
  const [older, setOlder] = useState<{ changes: readonly Change[]; next: number | null } | null>(null);
  const [failure, setFailure] = useState('');
  const first = useResource('changes', () => api.changes({ limit: PAGE }));
  const fetched = first.state === 'ready' ? first.value.changes : [];
  const firstNext = first.state === 'ready' ? first.value.next : null;
  const next = older === null ? firstNext : older.next;
  const all = new Map(
    [...fetched, ...(older?.changes ?? []), ...store.changes.all.value].map((change) => [change.id, change]),
  );
  const shown = [...all.values()].sort((a, b) => b.id - a.id);
  const loadMore = async (before: number) => {
    try {
      const page = await api.changes({ limit: PAGE, before });
      setOlder({ changes: [...(older?.changes ?? []), ...page.changes], next: page.next });
      setFailure('');
    } catch (cause) {
      setFailure(messageOf(cause));
    }
  };
  return (
    <Page name="changes" title="Changes">
      {may('admin') && (
        <p>
          <a href={paths.deliveries}>What code hosts have sent</a>
        </p>
      )}
      {shown.length === 0 && <Empty>No change has come yet.</Empty>}
      <ul class="plain change-list">
        {shown.map((change) => (
          <li key={change.id} data-change-id={change.id}>
            <a href={paths.change(change.id)}>
              <code>{change.revision?.slice(0, 8) ?? `change ${change.id}`}</code>
            </a>
            <span class="change-line">
              {change.message.split('\n')[0]}
              <span class="dim">
                {' '}
                {shortName(change.author)} · {change.branch ?? 'default branch'} · <Ago at={change.receivedAt} />
              </span>
            </span>
            <span class="links-row">
              {buildsOf(change.id).map((build) => (
                <BuildLink key={build.id} id={build.id} />
              ))}
            </span>
          </li>
        ))}
      </ul>
      {next !== null && (
        <button type="button" onClick={() => void loadMore(next)}>
          Older changes
        </button>
      )}
      <span class="dim"> {first.state === 'failed' ? first.message : failure}</span>
    </Page>
  );
}

function buildsOf(changeId: number) {
  return newestFirst(store.builds.all.value.filter((build) => build.changeIds.includes(changeId))).reverse();
}

/** One push: its commits, files, and builds. */
export function ChangeView({ id }: { id: number }): JSX.Element {
  const fetched = useResource(String(id), () => api.change(id));
  const change = store.changes.get(id) ?? (fetched.state === 'ready' ? fetched.value : undefined);
  if (change === undefined)
    return (
      <Page name="change" title={`Change ${id}`}>
        <Empty>{fetched.state === 'failed' ? fetched.message : 'Loading …'}</Empty>
      </Page>
    );
  const builds = buildsOf(id);
  const [subject, ...rest] = change.message.split('\n');
  return (
    <Page name="change" title={subject || `Change ${id}`}>
      <p class="facts" data-change-id={id}>
        <code>{change.revision ?? ''}</code> <span class="dim">by</span> {change.author} <span class="dim">on</span>{' '}
        {change.branch ?? 'the default branch'} <span class="dim">of</span> {change.repository}{' '}
        <span class="dim">·</span> <Ago at={change.receivedAt} /> <span class="dim">by {change.source}</span>{' '}
        {change.link !== null && isWeb(change.link) && (
          <a href={change.link} rel="noreferrer" target="_blank">
            See the commit
          </a>
        )}
      </p>
      {rest.join('\n').trim() !== '' && <pre class="message">{rest.join('\n').trim()}</pre>}
      <section>
        <h2>Builds</h2>
        {builds.length === 0 ? <Empty>It has started no builds.</Empty> : <BuildTable builds={builds} />}
      </section>
      {change.commits.length > 1 && (
        <section>
          <h2>Commits</h2>
          <ul class="plain">
            {change.commits.map((commit) => (
              <li key={commit.revision}>
                <code>{commit.revision.slice(0, 8)}</code> {commit.message.split('\n')[0]}{' '}
                <span class="dim">{shortName(commit.author)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>
          {change.files.length} {change.files.length === 1 ? 'file' : 'files'}
        </h2>
        <ul class="plain mono">
          {change.files.map((file) => (
            <li key={file}>{file}</li>
          ))}
        </ul>
      </section>
    </Page>
  );
}

/** Links from outside go to the web and nowhere else: `javascript:` would be a trap. */
export function isWeb(link: string): boolean {
  return /^https?:\/\//i.test(link);
}
