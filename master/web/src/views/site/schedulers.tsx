import type { Scheduler } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { paths } from '../../routes.ts';
import { store } from '../../store/index.ts';
import { forcing, perform, tell } from '../../ui/actions.ts';
import { DeedButton } from '../../ui/deed-button.tsx';
import { Ago, BuilderLink, Empty, Page } from '../../ui/parts.tsx';
import { messageOf } from '../../ui/resource.ts';
import { refusalOf } from '../access/rights.ts';

/** What a kind starts builds on, for those who don't know the words. */
const KINDS: Readonly<Record<string, string>> = {
  singleBranch: 'changes of one branch',
  anyBranch: 'changes of any branch',
  dependent: 'success of another scheduler',
  periodic: 'every so often',
  nightly: 'the clock',
  triggerable: 'a step of a build',
  force: 'a person',
};

/** Kinds that can be started ahead of changes and clock. */
const RUN_NOW: readonly string[] = ['singleBranch', 'anyBranch', 'nightly', 'periodic'];

/** What starts builds, and when it will next. */
export function Schedulers(): JSX.Element {
  const schedulers = store.schedulers.all.value;
  return (
    <Page name="schedulers" title="Schedulers">
      {schedulers.length === 0 && <Empty>The site declares no schedulers.</Empty>}
      <div class="table-scroll">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">Scheduler</th>
              <th scope="col">Started by</th>
              <th scope="col">Next</th>
              <th scope="col">Last</th>
              <th scope="col">Builders</th>
              <th scope="col">On</th>
              <th scope="col">
                <span class="unseen">Start</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {schedulers.map((scheduler) => (
              <Row key={scheduler.name} scheduler={scheduler} />
            ))}
          </tbody>
        </table>
      </div>
    </Page>
  );
}

function Row({ scheduler }: { scheduler: Scheduler }): JSX.Element {
  const { name, enabled } = scheduler;
  return (
    <tr
      id={`scheduler-${encodeURIComponent(name)}`}
      data-scheduler={name}
      data-kind={scheduler.kind}
      data-state={enabled ? 'enabled' : 'disabled'}
    >
      <td>
        <b>{name}</b>
        {scheduler.lastError != null && <div class="bad">{scheduler.lastError}</div>}
      </td>
      <td title={scheduler.kind} data-label="by">
        {KINDS[scheduler.kind] ?? scheduler.kind}
      </td>
      <td data-label={scheduler.nextAt === null ? undefined : 'next'}>
        {scheduler.nextAt === null ? (
          ''
        ) : enabled ? (
          <Ago at={scheduler.nextAt} />
        ) : (
          <s>
            <Ago at={scheduler.nextAt} />
          </s>
        )}
      </td>
      <td data-label={scheduler.lastAt === null ? undefined : 'last'}>
        {scheduler.lastAt !== null && <Ago at={scheduler.lastAt} />}
      </td>
      <td>
        <Builders names={scheduler.builders} />
      </td>
      <td>
        <Switch scheduler={scheduler} />
      </td>
      <td class="actions">
        <StartButton scheduler={scheduler} />
      </td>
    </tr>
  );
}

/** Of more builders the list is opened by whom it interests: it would hide the other schedulers. */
const MOST_BUILDERS = 20;

function Builders({ names }: { names: readonly string[] }): JSX.Element {
  const links = (
    <span class="links-row">
      {names.map((name) => (
        <BuilderLink key={name} name={name} />
      ))}
    </span>
  );
  if (names.length <= MOST_BUILDERS) return links;
  return (
    <details>
      <summary>{names.length} builders</summary>
      {links}
    </details>
  );
}

function Switch({ scheduler: { name, enabled } }: { scheduler: Scheduler }): JSX.Element {
  const refusal = refusalOf('switchScheduler', 'site');
  return (
    <label class="check" title={refusal ?? undefined}>
      <input
        type="checkbox"
        role="switch"
        aria-checked={enabled}
        checked={enabled}
        disabled={refusal !== null}
        aria-description={refusal ?? undefined}
        aria-label={`${name} enabled`}
        onChange={(event) => {
          const on = event.currentTarget.checked;
          void perform(() => api.enable(name, on), on ? `${name} is enabled.` : `${name} is disabled.`);
        }}
      />
      <span aria-hidden="true">{enabled ? 'on' : 'off'}</span>
    </label>
  );
}

/** Starts it: by its form, or now instead of by changes or the clock. Nothing for what only other builds start. */
function StartButton({ scheduler }: { scheduler: Scheduler }): JSX.Element | null {
  const { name, form, builders, enabled } = scheduler;
  const unable = enabled ? null : `${name} is switched off.`;
  if (form !== null)
    return (
      <DeedButton
        deed="force"
        scope={builders.length > 1 ? 'any' : builders}
        unable={unable}
        class="force"
        aria-label={`Force ${name}`}
        onClick={() => {
          forcing.value = { builder: null, scheduler: name };
        }}
      >
        {form.label || 'Force'}
      </DeedButton>
    );
  if (!RUN_NOW.includes(scheduler.kind)) return null;
  return (
    <DeedButton
      deed="force"
      scope={builders}
      unable={unable}
      class="force"
      title="Starts now what changes or the clock would start"
      aria-label={`Run now: ${name}`}
      onClick={() => void runNow(name)}
    >
      Run now
    </DeedButton>
  );
}

async function runNow(name: string): Promise<void> {
  try {
    const { buildsets } = await api.runScheduler(name);
    const request = buildsets[0]?.requestIds[0];
    if (request === undefined) tell(`${name} had nothing to start.`);
    else tell(`${name} has started.`, { href: paths.request(request) });
  } catch (cause) {
    tell(messageOf(cause), { bad: true });
  }
}
