import type { Scheduler } from '@icefall/shared';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiFailure } from '../api/client.ts';
import { api } from '../api/endpoints.ts';
import { paths } from '../routes.ts';
import { store } from '../store/index.ts';
import { forcing, tell } from '../ui/actions.ts';
import { Dialog } from '../ui/dialog.tsx';
import { messageOf } from '../ui/resource.ts';
import { refusalOf } from '../views/access/rights.ts';
import { Fields } from './fields.tsx';
import { Preview } from './preview.tsx';
import { remember, remembered } from './remembered.ts';
import { type FieldValue, initialValues, problemsOf, toRequest } from './values.ts';

/** Form schedulers that can start `builder`, or all of them. */
function schedulersFor(builder: string | null): Scheduler[] {
  return store.schedulers.all.value.filter(
    (scheduler) => scheduler.form !== null && (builder === null || scheduler.builders.includes(builder)),
  );
}

/** Builders of a form that whoever looks may start. */
const startable = (builders: readonly string[]) => builders.filter((name) => refusalOf('force', [name]) === null);

/** The Force button's dialog: which form, its fields, and what it will start. */
export function ForceDialog(): JSX.Element | null {
  const wanted = forcing.value;
  if (wanted === null) return null;
  const schedulers = schedulersFor(wanted.builder);
  const close = () => {
    forcing.value = null;
  };
  return (
    <Dialog title={wanted.builder === null ? 'Force a build' : `Force ${wanted.builder}`} onClose={close} name="force">
      <ForceForms
        key={`${wanted.builder} ${wanted.scheduler}`}
        schedulers={schedulers}
        builder={wanted.builder}
        first={wanted.scheduler}
        close={close}
      />
    </Dialog>
  );
}

function ForceForms(props: {
  schedulers: readonly Scheduler[];
  builder: string | null;
  first: string | null;
  close: () => void;
}): JSX.Element {
  const [name, setName] = useState(props.first ?? props.schedulers[0]?.name ?? '');
  const scheduler = props.schedulers.find((one) => one.name === name);
  return (
    <>
      {props.schedulers.length > 1 && (
        <div class="field">
          <label for="force-scheduler">Form</label>
          <select id="force-scheduler" value={name} onChange={(event) => setName(event.currentTarget.value)}>
            {props.schedulers.map((one) => (
              <option key={one.name} value={one.name}>
                {one.form?.label || one.name}
              </option>
            ))}
          </select>
        </div>
      )}
      {props.schedulers.length === 1 && scheduler?.form?.label && <p class="dim">{scheduler.form.label}</p>}
      {scheduler === undefined ? (
        <p>No force scheduler of the site can start this.</p>
      ) : (
        <ForceForm key={scheduler.name} scheduler={scheduler} builder={props.builder} close={props.close} />
      )}
    </>
  );
}

/** What every form asks beside its fields. */
interface About {
  readonly reason: string;
  readonly owner: string;
}

function ForceForm({
  scheduler,
  builder,
  close,
}: {
  scheduler: Scheduler;
  builder: string | null;
  close: () => void;
}): JSX.Element {
  const fields = scheduler.form?.fields ?? [];
  const [values, setValues] = useState(() => initialValues(fields, remembered(scheduler.name)));
  const [about, setAbout] = useState<About>({ reason: '', owner: String(remembered('owner').owner ?? '') });
  const [builders, setBuilders] = useState<readonly string[]>(
    builder === null ? startable(scheduler.builders) : [builder],
  );
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const request = { ...given(about), builders: [...builders], values: toRequest(fields, values) };
  const set = (path: string, value: FieldValue) => {
    setValues((was) => ({ ...was, [path]: value }));
    setErrors(({ [path]: _, ...others }) => others);
  };
  const send = async (event: Event) => {
    event.preventDefault();
    const problems = problemsOf(fields, values);
    setErrors(problems);
    setFailure('');
    if (Object.keys(problems).length > 0) return focusFirst();
    setBusy(true);
    try {
      const { buildset } = await api.force(scheduler.name, request);
      remember(scheduler.name, values);
      remember('owner', { owner: about.owner });
      tell(`Asked for ${builders.join(', ')}.`, { href: paths.request(buildset.requestIds[0] ?? 0) });
      close();
    } catch (cause) {
      setBusy(false);
      setFailure(messageOf(cause));
      if (cause instanceof ApiFailure) setErrors(cause.fields);
      focusFirst();
    }
  };
  return (
    <form class="force-form" onSubmit={(event) => void send(event)} noValidate data-scheduler={scheduler.name}>
      {scheduler.builders.length > 1 && (
        <BuilderChoice all={scheduler.builders} chosen={builders} error={errors.builders} choose={setBuilders} />
      )}
      <Fields fields={fields} prefix="" filling={{ values, errors, set }} />
      <AboutFields about={about} errors={errors} change={setAbout} />
      <Preview scheduler={scheduler.name} request={request} />
      {failure !== '' && (
        <p class="bad" role="alert">
          {failure}
          <OtherErrors errors={errors} known={Object.keys(values)} />
        </p>
      )}
      <div class="buttons">
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={busy || builders.length === 0}>
          {busy ? 'Asking …' : scheduler.form?.button || 'Force build'}
        </button>
      </div>
    </form>
  );
}

/** Mistakes that no field of the form stands for. */
function OtherErrors({
  errors,
  known,
}: {
  errors: Readonly<Record<string, string>>;
  known: readonly string[];
}): JSX.Element {
  const shown = [...known, 'reason', 'owner', 'builders'];
  return (
    <>
      {Object.entries(errors)
        .filter(([path]) => !shown.includes(path))
        .map(([path, text]) => (
          <span key={path} data-error={path}>
            <br />
            {path} {text}
          </span>
        ))}
    </>
  );
}

function given({ reason, owner }: About): { reason?: string; owner?: string } {
  return { ...(reason.trim() === '' ? {} : { reason }), ...(owner.trim() === '' ? {} : { owner }) };
}

function focusFirst(): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.force-form [aria-invalid=true]')?.focus());
}

function BuilderChoice(props: {
  all: readonly string[];
  chosen: readonly string[];
  error: string | undefined;
  choose: (builders: readonly string[]) => void;
}): JSX.Element {
  const toggle = (name: string, on: boolean) =>
    props.choose(props.all.filter((one) => (one === name ? on : props.chosen.includes(one))));
  return (
    <details class="field" data-field="builders" open={props.error !== undefined}>
      <summary>
        Builders: {props.chosen.length} of {props.all.length}
      </summary>
      <div class="several">
        {props.all.map((name) => (
          <label class="check" key={name} title={refusalOf('force', [name]) ?? undefined}>
            <input
              type="checkbox"
              disabled={refusalOf('force', [name]) !== null}
              checked={props.chosen.includes(name)}
              onChange={(event) => toggle(name, event.currentTarget.checked)}
            />
            {name}
          </label>
        ))}
      </div>
      {props.error !== undefined && <small class="bad">{props.error}</small>}
    </details>
  );
}

function AboutFields(props: {
  about: About;
  errors: Readonly<Record<string, string>>;
  change: (about: About) => void;
}): JSX.Element {
  const { about, change } = props;
  return (
    <div class="group horizontal about">
      <div class="field" data-field="reason">
        <label for="force-reason">Reason</label>
        <input
          id="force-reason"
          name="reason"
          value={about.reason}
          onInput={(event) => change({ ...about, reason: event.currentTarget.value })}
        />
        <small class="bad">{props.errors.reason}</small>
      </div>
      <div class="field" data-field="owner">
        <label for="force-owner">Your name</label>
        <input
          id="force-owner"
          name="owner"
          value={about.owner}
          autocomplete="name"
          onInput={(event) => change({ ...about, owner: event.currentTarget.value })}
        />
        <small class="bad">{props.errors.owner}</small>
      </div>
    </div>
  );
}
