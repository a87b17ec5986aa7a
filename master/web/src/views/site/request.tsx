import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { store } from '../../store/index.ts';
import { Ago, Badge, BuilderLink, BuildLink, Empty, Page, Pair, RequestLink, Why } from '../../ui/parts.tsx';
import { useResource } from '../../ui/resource.ts';
import { CancelButton } from './queue.tsx';

/** A request: why it waits, and all attempts at it. */
export function RequestView({ id }: { id: number }): JSX.Element {
  const fetched = useResource(String(id), () => api.request(id));
  const request = store.requests.get(id) ?? (fetched.state === 'ready' ? fetched.value : undefined);
  if (request === undefined)
    return (
      <Page name="request" title={`Request ${id}`}>
        <Empty>{fetched.state === 'failed' ? fetched.message : 'Loading …'}</Empty>
      </Page>
    );
  const pending = request.state === 'pending';
  return (
    <Page
      name="request"
      title={`Request ${id}: ${request.builder}`}
      aside={pending && <CancelButton request={request} />}
    >
      <dl class="pairs" data-request-id={id} data-state={request.state} data-result={request.result ?? undefined}>
        <Pair name="State">
          <Badge look={request.result ?? (pending ? 'PENDING' : 'RUNNING')} />
        </Pair>
        {pending && (
          <Pair name="Why">
            {request.blocker === null ? (
              'about to start'
            ) : (
              <Why blocker={request.blocker} since={request.blockedSince} />
            )}
          </Pair>
        )}
        <Pair name="Builder">
          <BuilderLink name={request.builder} />
        </Pair>
        <Pair name="Asked for">
          <Ago at={request.submittedAt} /> {request.owner !== null && `by ${request.owner}`}
        </Pair>
        <Pair name="Reason">{request.reason}</Pair>
        <Pair name="Priority">{request.priority}</Pair>
        {request.parentBuildId !== null && (
          <Pair name="Triggered by">
            <BuildLink id={request.parentBuildId} />
          </Pair>
        )}
        {request.collapsedInto !== null && (
          <Pair name="Collapsed into">
            <RequestLink id={request.collapsedInto} />
          </Pair>
        )}
        <Pair name="Attempts">
          <span class="links-row">
            {request.buildIds.length === 0 && <span class="dim">none yet</span>}
            {request.buildIds.map((build) => (
              <BuildLink key={build} id={build} />
            ))}
          </span>
        </Pair>
      </dl>
    </Page>
  );
}
