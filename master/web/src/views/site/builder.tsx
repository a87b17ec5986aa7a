import type { Build } from '@icefall/shared';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { paths } from '../../routes.ts';
import { newestFirst, store } from '../../store/index.ts';
import { Empty, Page, RequestLink, Why } from '../../ui/parts.tsx';
import { messageOf, useResource } from '../../ui/resource.ts';
import { BuildTable } from './build-table.tsx';
import { ForceButton } from './force-button.tsx';
import { Sparks } from './sparks.tsx';

const PAGE = 50;

/** A builder: what waits, what runs, what ran. */
export function BuilderView({ name }: { name: string }): JSX.Element {
  const builder = store.builders.get(name);
  const builds = useHistory(name);
  if (builder === undefined && builds.shown.length === 0)
    return (
      <Page name="builder" title={name}>
        <Empty>{builds.loading ? 'Loading …' : `There is no builder ${name}.`}</Empty>
      </Page>
    );
  const pending = store.requests.all.value.filter((request) => request.builder === name && request.state === 'pending');
  return (
    <Page name="builder" title={name} aside={builder !== undefined && <ForceButton builder={builder} />}>
      {builder === undefined ? (
        <p class="dim">This builder is not in the configuration any more.</p>
      ) : (
        <p class="facts" data-builder={name} data-result={builder.lastResult ?? undefined}>
          {builder.description} <span class="dim">Group</span> {builder.group} <span class="dim">· runs on</span>{' '}
          {builder.workers.map((worker) => (
            <WorkerState key={worker} name={worker} />
          ))}
          {builder.tags.map((tag) => (
            <a key={tag} class="tag" href={`/?tag=${encodeURIComponent(tag)}`}>
              {tag}
            </a>
          ))}
        </p>
      )}
      {pending.length > 0 && (
        <section>
          <h2>Waiting</h2>
          <ul class="plain">
            {pending.map((request) => (
              <li key={request.id} data-request-id={request.id} data-state={request.state}>
                <RequestLink id={request.id} /> <span class="dim">{request.reason}</span>{' '}
                {request.blocker === null ? (
                  'about to start'
                ) : (
                  <Why blocker={request.blocker} since={request.blockedSince} />
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>
          Builds <Sparks builds={builds.shown} />
        </h2>
        {builds.shown.length === 0 ? <Empty>No builds yet.</Empty> : <BuildTable builds={builds.shown} ofOne />}
        <p>
          {builds.failure !== '' && <span class="bad">{builds.failure} </span>}
          {builds.more && (
            <button type="button" onClick={builds.loadMore} disabled={builds.loading}>
              {builds.loading ? 'Loading …' : 'Older builds'}
            </button>
          )}
        </p>
      </section>
    </Page>
  );
}

function WorkerState({ name }: { name: string }): JSX.Element {
  const worker = store.workers.get(name);
  const state = worker?.connected !== true ? 'not connected' : worker.paused ? 'paused' : 'connected';
  return (
    <span data-worker={name} data-state={state}>
      <a href={paths.worker(name)}>{name}</a>
      {state !== 'connected' && <span class="bad"> {state}</span>}{' '}
    </span>
  );
}

/** Builds that the page knows anyway, and older ones as they are asked for. */
function useHistory(name: string) {
  const first = useResource(name, () => api.builds({ builder: name, limit: PAGE }));
  const [older, setOlder] = useState<{ builds: readonly Build[]; next: number | null } | null>(null);
  const [loading, setLoading] = useState(false);
  const [failure, setFailure] = useState('');
  const fetched = [...(first.state === 'ready' ? first.value.builds : []), ...(older?.builds ?? [])];
  const known = store.builds.all.value.filter((build) => build.builder === name);
  const shown = newestFirst(new Map([...fetched, ...known].map((build) => [build.id, build])).values());
  const firstNext = first.state === 'ready' ? first.value.next : null;
  const next = older === null ? firstNext : older.next;
  const loadMore = async (before: number) => {
    setLoading(true);
    setFailure('');
    try {
      const page = await api.builds({ builder: name, before, limit: PAGE });
      setOlder({ builds: [...(older?.builds ?? []), ...page.builds], next: page.next });
    } catch (cause) {
      setFailure(messageOf(cause));
    }
    setLoading(false);
  };
  return {
    shown,
    more: next !== null,
    loading: loading || first.state === 'loading',
    failure: first.state === 'failed' ? first.message : failure,
    loadMore: () => void (next !== null && loadMore(next)),
  };
}
