import { RESULTS } from '@icefall/shared/results';
import { computed } from '@preact/signals';
import type { JSX } from 'preact';
import { query, setQuery } from '../../navigation.ts';
import { store } from '../../store/index.ts';
import { type Filters, filtersOf, peopleOf } from './filters.ts';

const unique = (items: Iterable<string>) => [...new Set(items)].sort((a, b) => a.localeCompare(b));
/** What there is to choose from, among what is known. */
const CHOICES = {
  tag: { label: 'Tag', options: computed(() => unique(store.builders.all.value.flatMap((builder) => builder.tags))) },
  branch: {
    label: 'Branch',
    options: computed(() =>
      unique(store.builds.all.value.flatMap((build) => build.sourceStamps.flatMap((stamp) => stamp.branch ?? []))),
    ),
  },
  result: { label: 'Result', options: computed((): string[] => ['RUNNING', ...RESULTS]) },
  scheduler: {
    label: 'Scheduler',
    options: computed(() => unique(store.builds.all.value.map((build) => build.scheduler))),
  },
  person: {
    label: 'Person',
    options: computed(() => unique(store.builds.all.value.flatMap((build) => peopleOf(build, store.changes.peek)))),
  },
};

/** A filter of the address, to be chosen from what is known. */
export function FilterChoice({ name }: { name: Exclude<keyof Filters, 'name'> }): JSX.Element {
  const { label, options: known } = CHOICES[name];
  const value = filtersOf(query.value)[name];
  const options = value === '' || known.value.includes(value) ? known.value : [value, ...known.value];
  return (
    <select
      aria-label={label}
      class={value === '' ? '' : 'on'}
      value={value}
      onChange={(event) => setQuery({ [name]: event.currentTarget.value })}
    >
      <option value="">{label}</option>
      {options.map((option) => (
        <option key={option} value={option}>
          {name === 'result' ? option.toLowerCase() : option}
        </option>
      ))}
    </select>
  );
}
