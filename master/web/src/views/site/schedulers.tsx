import type { Scheduler } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { store } from '../../store/index.ts';
import { forcing, perform } from '../../ui/actions.ts';
import { Ago, BuilderLink, Empty, Page } from '../../ui/parts.tsx';

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

/** What starts builds, and when it will next. */
export function Schedulers(): JSX.Element {
  const schedulers = store.schedulers.all.value;
  return (
    <Page name="schedulers" title="Schedulers">
      {schedulers.length === 0 && <Empty>The site declares no schedulers.</Empty>}
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Scheduler</th>
              <th scope="col">Started by</th>
              <th scope="col">Next</th>
              <th scope="col">Last</th>
              <th scope="col">Builders</th>
              <th scope="col">Actions</th>
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
      <td title={scheduler.kind}>{KINDS[scheduler.kind] ?? scheduler.kind}</td>
      <td>
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
      <td>{scheduler.lastAt !== null && <Ago at={scheduler.lastAt} />}</td>
      <td>
        <span class="links-row">
          {scheduler.builders.map((builder) => (
            <BuilderLink key={builder} name={builder} />
          ))}
        </span>
      </td>
      <td class="actions">
        <label class="check">
          <input
            type="checkbox"
            role="switch"
            aria-checked={enabled}
            checked={enabled}
            aria-label={`${name} enabled`}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              void perform(() => api.enable(name, on), on ? `${name} is enabled.` : `${name} is disabled.`);
            }}
          />
          enabled
        </label>
        {scheduler.form !== null && (
          <button
            type="button"
            class="force"
            aria-label={`Force ${name}`}
            onClick={() => {
              forcing.value = { builder: null, scheduler: name };
            }}
          >
            {scheduler.form.label || 'Force'}
          </button>
        )}
      </td>
    </tr>
  );
}
