import type { Build, Request, Step } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { query, setQuery } from '../../navigation.ts';
import { paths } from '../../routes.ts';
import { newestFirst, store } from '../../store/index.ts';
import { perform, question } from '../../ui/actions.ts';
import { DeedButton } from '../../ui/deed-button.tsx';
import { Ago, BuilderLink, BuildLink, Empty, Page, Why } from '../../ui/parts.tsx';

/** Everything that waits: what for, since when, and what will free it. */
export function Queue(): JSX.Element {
  const only = query.value.get('builder');
  const passes = (item: { builder: string }) => only === null || item.builder === only;
  const pending = store.requests.all.value
    .filter((request) => request.state === 'pending' && passes(request))
    .sort((a, b) => b.priority - a.priority || a.submittedAt - b.submittedAt);
  const running = newestFirst(store.builds.all.value).filter((build) => build.finishedAt === null && passes(build));
  const steps = running.flatMap((build) =>
    build.steps.filter((step) => step.blocker !== null).map((step) => ({ build, step })),
  );
  return (
    <Page
      name="queue"
      title="Why is it waiting?"
      aside={
        only !== null && (
          <button type="button" onClick={() => setQuery({ builder: null })}>
            Only {only} ✕
          </button>
        )
      }
    >
      <section>
        <h2>Requests, in the order of their turn</h2>
        {pending.length === 0 ? <Empty>No request waits.</Empty> : <Requests requests={pending} />}
      </section>
      <section>
        <h2>Steps of running builds</h2>
        {steps.length === 0 ? <Empty>No step waits.</Empty> : <Steps steps={steps} />}
      </section>
    </Page>
  );
}

function Requests({ requests }: { requests: readonly Request[] }): JSX.Element {
  return (
    <div class="table-scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Since</th>
            <th scope="col">Why</th>
            <th scope="col">Reason</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <tr key={request.id} data-request-id={request.id} data-builder={request.builder} data-state={request.state}>
              <td>
                <BuilderLink name={request.builder} />{' '}
                <a class="num dim whole" href={paths.request(request.id)}>
                  request {request.id}
                </a>
                {request.priority !== 0 && <span class="tag">priority {request.priority}</span>}
              </td>
              <td data-label="since">
                <Ago at={request.submittedAt} />
              </td>
              <td class="card-line">
                {request.blocker === null ? (
                  'about to start'
                ) : (
                  <Why blocker={request.blocker} since={request.blockedSince} />
                )}
              </td>
              <td class="card-line" data-label="for">
                {request.reason}
                {request.owner !== null && <span class="dim"> by {request.owner}</span>}
                {request.parentBuildId !== null && (
                  <>
                    {' '}
                    <BuildLink id={request.parentBuildId} />
                  </>
                )}
              </td>
              <td>
                <CancelButton request={request} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Takes a waiting request out of the queue, after asking. */
export function CancelButton({ request }: { request: Request }): JSX.Element {
  return (
    <DeedButton
      deed="stop"
      scope={[request.builder]}
      aria-label={`Cancel request ${request.id}`}
      onClick={() => {
        question.value = {
          title: `Cancel request ${request.id}?`,
          text: `${request.builder} will not be built for “${request.reason}”.`,
          button: 'Cancel the request',
          act: (reason) => void perform(() => api.cancel(request.id, reason), `Request ${request.id} is cancelled.`),
        };
      }}
    >
      Cancel
    </DeedButton>
  );
}

function Steps({ steps }: { steps: readonly { build: Build; step: Step }[] }): JSX.Element {
  return (
    <div class="table-scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Since</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {steps.map(({ build, step }) => (
            <tr
              key={`${build.id}.${step.number}`}
              data-build-id={build.id}
              data-step={step.name}
              data-state={step.state}
            >
              <td class="whole">
                <BuildLink id={build.id} /> <a href={paths.step(build.id, step.number)}>{step.name}</a>
              </td>
              <td data-label="since">
                <Ago at={step.startedAt} />
              </td>
              <td class="card-line">{step.blocker !== null && <Why blocker={step.blocker} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
