import type { JSX } from 'preact';
import { paths } from '../../routes.ts';
import { newestFirst, store } from '../../store/index.ts';
import { Empty, Why } from '../../ui/parts.tsx';
import { BuildTable } from '../site/build-table.tsx';
import { shownBuilders, shownBuilds } from './view-state.ts';

/** Rows of the table; older builds are on the builders' pages. */
const MOST_ROWS = 300;

/** The waterfall as tables: for screen readers and narrow windows. */
export function WaterfallTable(): JSX.Element {
  const names = new Set(shownBuilders.value.map((builder) => builder.name));
  const waiting = store.requests.all.value.filter(
    (request) => request.state === 'pending' && names.has(request.builder),
  );
  const builds = newestFirst(shownBuilds.value).slice(0, MOST_ROWS);
  return (
    <div class="page">
      {waiting.length > 0 && (
        <section>
          <h2>Waiting</h2>
          <ul class="plain">
            {waiting.map((request) => (
              <li key={request.id} data-request-id={request.id} data-state="pending">
                <a href={paths.request(request.id)}>{request.builder}</a>{' '}
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
      {builds.length === 0 ? <Empty>No builds.</Empty> : <BuildTable builds={builds} />}
    </div>
  );
}
