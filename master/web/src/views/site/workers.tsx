import type { Json, Worker, WorkerConnection } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { store } from '../../store/index.ts';
import { perform, question } from '../../ui/actions.ts';
import { DeedButton } from '../../ui/deed-button.tsx';
import { Ago, BuilderLink, BuildLink, Empty, Page } from '../../ui/parts.tsx';
import { useKept, useResource } from '../../ui/resource.ts';
import { Strip, stripBegin } from '../../ui/strip.tsx';

function stateOf(worker: Worker): 'offline' | 'paused' | 'leaving' | 'busy' | 'idle' {
  if (!worker.connected) return 'offline';
  if (worker.paused) return 'paused';
  if (worker.leaving) return 'leaving';
  return worker.buildIds.length > 0 ? 'busy' : 'idle';
}

/** All workers, their slots and what runs in them. */
export function Workers(): JSX.Element {
  const workers = store.workers.all.value;
  const states = workers.map(({ name, connected, connectedSince }) => `${name} ${connected} ${connectedSince}`);
  const history = useKept(useResource(states.join(), () => api.workerConnections(stripBegin())))?.connections ?? [];
  return (
    <Page name="workers" title="Workers">
      {workers.length === 0 && <Empty>The site declares no workers.</Empty>}
      <div class="tiles">
        {workers.map((worker) => (
          <Tile key={worker.name} worker={worker} history={history.filter((one) => one.worker === worker.name)} />
        ))}
      </div>
    </Page>
  );
}

function Tile({ worker, history }: { worker: Worker; history: readonly WorkerConnection[] }): JSX.Element {
  const state = stateOf(worker);
  const info = Object.entries(worker.info ?? {});
  return (
    <article class="tile" id={`worker-${encodeURIComponent(worker.name)}`} data-worker={worker.name} data-state={state}>
      <header>
        <h2>{worker.name}</h2>
        <span class={`state-word ${state}`}>{state}</span>
        <span class="spring" />
        <span class="tile-buttons">
          {worker.connected && !worker.leaving && <LeaveButton name={worker.name} />}
          <PauseButton worker={worker} />
        </span>
      </header>
      <p class="dim">
        {worker.connected ? (
          <>
            connected <Ago at={worker.connectedSince} />
          </>
        ) : (
          <>
            last seen <Ago at={worker.lastSeenAt} />
          </>
        )}
      </p>
      <Strip
        what={`${worker.name} was connected`}
        stretches={history.map(({ since, until }) => ({ from: since, to: until, title: 'connected', share: 1 }))}
      />
      {worker.lastRefusal !== null && <p class="bad">Refused: {worker.lastRefusal}</p>}
      <Slots worker={worker} />
      <details>
        <summary>
          {worker.builders.length} {worker.builders.length === 1 ? 'builder' : 'builders'}
          {info.length > 0 && ', what it runs on'}
        </summary>
        <p class="links-row">
          {worker.builders.map((name) => (
            <BuilderLink key={name} name={name} />
          ))}
        </p>
        <dl class="pairs">
          {info.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{textOf(value)}</dd>
            </div>
          ))}
        </dl>
      </details>
    </article>
  );
}

/** Free slots that are drawn one by one; a pool of hundreds is not. */
const MOST_FREE = 8;

function Slots({ worker }: { worker: Worker }): JSX.Element | null {
  const slots = slotsOf(worker);
  if (slots.length === 0) return null;
  return (
    <ol class="slots" aria-label={`Slots: ${worker.buildIds.length} of ${worker.maxBuilds} taken`}>
      {slots.map((id, i) => (
        <li key={id ?? `free ${i}`} class={id === null ? 'free' : ''}>
          {id === null ? 'free' : <BuildLink id={id} />}
        </li>
      ))}
    </ol>
  );
}

/** Builds that have a slot, and those slots that are free. Of a worker that is away none is. */
function slotsOf(worker: Worker): (number | null)[] {
  const free = worker.connected ? Math.max(0, worker.maxBuilds - worker.buildIds.length) : 0;
  return [...worker.buildIds, ...new Array<null>(Math.min(free, MOST_FREE)).fill(null)];
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Has an agent leave, after asking: to replace it, or its machine. */
function LeaveButton({ name }: { name: string }): JSX.Element {
  return (
    <DeedButton
      deed="pauseWorker"
      scope="site"
      class="quiet"
      title="It finishes what it runs, and its agent ends"
      aria-label={`Send away ${name}`}
      onClick={() => {
        question.value = {
          title: `Send ${name} away?`,
          text: 'It finishes what it runs, takes nothing new, and its agent ends. Whatever starts agents there may start it again.',
          button: 'Send it away',
          act: (reason) => void perform(() => api.sendAway(name, reason), `${name} leaves when it has finished.`),
        };
      }}
    >
      Send away
    </DeedButton>
  );
}

function PauseButton({ worker }: { worker: Worker }): JSX.Element {
  const { name, paused } = worker;
  return (
    <DeedButton
      deed="pauseWorker"
      scope="site"
      title={paused ? 'Let it take builds again' : 'It finishes what it runs and takes nothing new'}
      aria-label={`${paused ? 'Resume' : 'Pause'} ${name}`}
      onClick={() =>
        void perform(
          // What became of it comes as an event: the answer may be older than events that are here already.
          () => (paused ? api.resume(name) : api.pause(name)),
          paused ? `${name} takes builds again.` : `${name} takes no new builds.`,
        )
      }
    >
      {paused ? 'Resume' : 'Pause'}
    </DeedButton>
  );
}
