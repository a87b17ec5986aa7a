import type { AuditEntry } from '@icefall/shared';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { Ago, Empty, Page } from '../../ui/parts.tsx';
import { messageOf, useResource } from '../../ui/resource.ts';

const PAGE = 100;

/** Who did what, from where, with what result. */
export function Audit(): JSX.Element {
  const first = useResource('audit', () => api.audit({ limit: PAGE }));
  const [older, setOlder] = useState<{ entries: readonly AuditEntry[]; next: number | null } | null>(null);
  const [failure, setFailure] = useState('');
  if (first.state === 'loading') return <Empty>Loading …</Empty>;
  if (first.state === 'failed')
    return (
      <Page name="audit" title="Audit log">
        <Empty>{first.message}</Empty>
      </Page>
    );
  const entries = [...first.value.entries, ...(older?.entries ?? [])];
  const next = older === null ? first.value.next : older.next;
  const loadMore = async (before: number) => {
    try {
      const page = await api.audit({ limit: PAGE, before });
      setOlder({ entries: [...(older?.entries ?? []), ...page.entries], next: page.next });
      setFailure('');
    } catch (cause) {
      setFailure(messageOf(cause));
    }
  };
  return (
    <Page name="audit" title="Audit log" isText>
      {entries.length === 0 ? <Empty>Nobody has done anything yet.</Empty> : <Entries entries={entries} />}
      {next !== null && (
        <button type="button" onClick={() => void loadMore(next)}>
          Older entries
        </button>
      )}
      <span class="dim"> {failure}</span>
    </Page>
  );
}

function Entries({ entries }: { entries: readonly AuditEntry[] }): JSX.Element {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">From</th>
          <th scope="col">What</th>
          <th scope="col">Result</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ id, at, who, origin, action, object, result, detail }) => (
          <tr key={id} data-audit-id={id}>
            <td>
              <Ago at={at} />
            </td>
            <td>{who}</td>
            <td>{origin ?? ''}</td>
            <td title={JSON.stringify(detail)}>
              {action} {object}
            </td>
            <td class={result === 'ok' ? undefined : 'bad'}>{result}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
