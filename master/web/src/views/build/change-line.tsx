import type { Change } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { paths } from '../../routes.ts';
import { store } from '../../store/index.ts';
import { useResource } from '../../ui/resource.ts';
import { shortName } from '../waterfall/filters.ts';

/** A change in one line: revision, subject, author. */
export function ChangeLine({ id }: { id: number }): JSX.Element {
  const known = store.changes.get(id);
  const fetched = useResource<Change | undefined>(String(id), async () => known ?? (await api.change(id)));
  const change = known ?? (fetched.state === 'ready' ? fetched.value : undefined);
  if (change === undefined) return <li>change {id}</li>;
  return (
    <li data-change-id={id}>
      <a href={paths.change(id)}>
        <code>{change.revision?.slice(0, 8) ?? id}</code>
      </a>{' '}
      {change.message.split('\n')[0]} <span class="dim">{shortName(change.author)}</span>
    </li>
  );
}
