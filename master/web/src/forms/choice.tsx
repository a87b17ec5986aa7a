import type { FormField } from '@icefall/shared';
import type { JSX } from 'preact';
import { type ControlAttributes, type Filling, textOf } from './filling.ts';

type ChoiceField = Extract<FormField, { type: 'choice' }>;

/** One of a list, several of it, or (where it is not strict) also something that is not on it. */
export function Choice(props: {
  field: ChoiceField;
  path: string;
  filling: Filling;
  attributes: ControlAttributes;
}): JSX.Element {
  const { field, path, filling } = props;
  if (field.multiple) return <Several {...props} />;
  if (!field.strict)
    return (
      <>
        <input
          {...props.attributes}
          list={`choices-${path}`}
          value={textOf(filling.values[path])}
          onInput={(event) => filling.set(path, event.currentTarget.value)}
        />
        <datalist id={`choices-${path}`}>
          {field.choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      </>
    );
  return (
    <select
      {...props.attributes}
      value={textOf(filling.values[path])}
      onChange={(event) => filling.set(path, event.currentTarget.value)}
    >
      {field.choices.map((choice) => (
        <option key={choice} value={choice}>
          {choice}
        </option>
      ))}
    </select>
  );
}

function Several({ field, path, filling }: { field: ChoiceField; path: string; filling: Filling }): JSX.Element {
  const value = filling.values[path];
  const chosen: readonly string[] = typeof value === 'object' ? value : [];
  const options = [...new Set([...field.choices, ...chosen])];
  const toggle = (choice: string, on: boolean) =>
    filling.set(
      path,
      options.filter((one) => (one === choice ? on : chosen.includes(one))),
    );
  return (
    <fieldset class="several group" id={`field-${path}`} aria-label={field.label}>
      {options.map((choice) => (
        <label class="check" key={choice}>
          <input
            type="checkbox"
            name={path}
            value={choice}
            checked={chosen.includes(choice)}
            onChange={(event) => toggle(choice, event.currentTarget.checked)}
          />
          {choice}
        </label>
      ))}
    </fieldset>
  );
}
