import type { FieldGroup, FormField } from '@icefall/shared';
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Choice } from './choice.tsx';
import { attributes, type Filling, textOf } from './filling.ts';
import { leavesOf, pathIn } from './values.ts';

export function Fields(props: { fields: readonly FormField[]; prefix: string; filling: Filling }): JSX.Element {
  return (
    <>
      {props.fields.map((field, i) => (
        <AnyField key={`${i}.${field.name}`} field={field} prefix={props.prefix} filling={props.filling} />
      ))}
    </>
  );
}

function AnyField({ field, prefix, filling }: { field: FormField; prefix: string; filling: Filling }): JSX.Element {
  const path = pathIn(prefix, field.name);
  if (field.type !== 'group') return <Simple field={field} path={path} filling={filling} />;
  if (field.layout === 'tabs') return <Tabs group={field} path={path} filling={filling} />;
  return (
    <fieldset class={`group ${field.layout}`} data-field={path}>
      {field.label !== '' && <legend title={field.tooltip}>{field.label}</legend>}
      <Fields fields={field.fields} prefix={path} filling={filling} />
    </fieldset>
  );
}

/** One child at a time. A tab with a mistake says so, or nobody would find it. */
function Tabs({ group, path, filling }: { group: FieldGroup; path: string; filling: Filling }): JSX.Element {
  const [open, setOpen] = useState(0);
  const wrong = (field: FormField) => leavesOf([field], path).some((leaf) => errorAt(filling, leaf.path) !== undefined);
  const move = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = (open + step + group.fields.length) % group.fields.length;
    setOpen(next);
    const tabs = (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role=tab]');
    tabs[next]?.focus();
  };
  return (
    <fieldset class="group tabs" data-field={path}>
      {group.label !== '' && <legend title={group.tooltip}>{group.label}</legend>}
      <div role="tablist" aria-label={group.label || 'Parts of the form'} onKeyDown={move}>
        {group.fields.map((field, i) => (
          <button
            key={field.name}
            type="button"
            role="tab"
            aria-selected={i === open}
            tabIndex={i === open ? 0 : -1}
            onClick={() => setOpen(i)}
          >
            {field.label || field.name}
            {wrong(field) && <b class="bad"> !</b>}
          </button>
        ))}
      </div>
      {group.fields.map((field, i) => (
        <div key={field.name} role="tabpanel" hidden={i !== open} class="panel">
          {field.type === 'group' && field.layout !== 'tabs' ? (
            <div class={`group ${field.layout}`}>
              <Fields fields={field.fields} prefix={pathIn(path, field.name)} filling={filling} />
            </div>
          ) : (
            <AnyField field={field} prefix={path} filling={filling} />
          )}
        </div>
      ))}
    </fieldset>
  );
}

/** A mistake at a path, or at a part of it (a code base's branch). */
function errorAt(filling: Filling, path: string): string | undefined {
  const key = Object.keys(filling.errors).find((name) => name === path || name.startsWith(`${path}.`));
  return key === undefined ? undefined : filling.errors[key];
}

type SimpleField = Exclude<FormField, { type: 'group' }>;

function Simple({ field, path, filling }: { field: SimpleField; path: string; filling: Filling }): JSX.Element {
  if (field.type === 'codebase')
    return (
      <fieldset class="group codebase" data-field={path}>
        <legend title={field.tooltip}>{field.label || field.codebase || 'Source'}</legend>
        {field.shown.map((part) => (
          <Row key={part} path={`${path}.${part}`} label={part} field={field} filling={filling} required={false}>
            <Text path={`${path}.${part}`} filling={filling} hint={part === 'revision' ? 'newest' : ''} />
          </Row>
        ))}
      </fieldset>
    );
  if (field.type === 'boolean')
    return (
      <Row path={path} label="" field={field} filling={filling} required={false}>
        <label class="check">
          <input
            type="checkbox"
            id={`field-${path}`}
            name={path}
            checked={filling.values[path] === true}
            onChange={(event) => filling.set(path, event.currentTarget.checked)}
          />
          {field.label}
        </label>
      </Row>
    );
  return (
    <Row path={path} label={field.label} field={field} filling={filling} required={field.required}>
      <Control field={field} path={path} filling={filling} />
    </Row>
  );
}

function Control({ field, path, filling }: { field: SimpleField; path: string; filling: Filling }): JSX.Element {
  switch (field.type) {
    case 'fixed':
      return (
        <output id={`field-${path}`}>
          {typeof field.value === 'string' ? field.value : JSON.stringify(field.value)}
        </output>
      );
    case 'multiline':
      return (
        <textarea
          {...attributes(path, filling)}
          rows={4}
          required={field.required}
          value={textOf(filling.values[path])}
          onInput={(event) => filling.set(path, event.currentTarget.value)}
        />
      );
    case 'choice':
      return <Choice field={field} path={path} filling={filling} attributes={attributes(path, filling)} />;
    case 'integer':
      return (
        <Text path={path} filling={filling} numeric required={field.required} hint={rangeOf(field.min, field.max)} />
      );
    case 'user':
      return (
        <Text
          path={path}
          filling={filling}
          required={field.required}
          hint={field.needEmail ? 'Name <you@example.org>' : ''}
        />
      );
    default:
      return <Text path={path} filling={filling} required={field.required} hint="" />;
  }
}

function rangeOf(min: number | null, max: number | null): string {
  if (min !== null && max !== null) return `${min} to ${max}`;
  return min !== null ? `${min} or more` : max !== null ? `${max} or less` : '';
}

function Text(props: {
  path: string;
  filling: Filling;
  hint: string;
  numeric?: boolean;
  required?: boolean;
}): JSX.Element {
  const { path, filling } = props;
  return (
    <input
      {...attributes(path, filling)}
      type="text"
      inputMode={props.numeric === true ? 'numeric' : 'text'}
      placeholder={props.hint}
      required={props.required ?? false}
      value={textOf(filling.values[path])}
      autocomplete="off"
      onInput={(event) => filling.set(path, event.currentTarget.value)}
    />
  );
}

function Row(props: {
  path: string;
  label: string;
  field: SimpleField;
  filling: Filling;
  required: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const { path, field, filling } = props;
  const error = filling.errors[path];
  return (
    <div class={error === undefined ? 'field' : 'field wrong'} data-field={path} data-field-type={field.type}>
      {props.label !== '' && (
        <label for={`field-${path}`}>
          {props.label}
          {props.required && <span title="required"> *</span>}
        </label>
      )}
      {props.children}
      <small
        id={`help-${path}`}
        class={error === undefined ? 'dim' : 'bad'}
        data-error={error === undefined ? undefined : path}
      >
        {error ?? (field.type === 'codebase' ? '' : field.tooltip)}
      </small>
    </div>
  );
}
