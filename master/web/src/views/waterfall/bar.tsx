import { RESULTS } from '@icefall/shared/results';
import { computed } from '@preact/signals';
import type { JSX } from 'preact';
import { query, setQuery } from '../../navigation.ts';
import { store } from '../../store/index.ts';
import { FILTER_NAMES, type Filters, peopleOf } from './filters.ts';
import { bounded, filters, mode, shownBuilders, ZOOM_STEP, zoom } from './view-state.ts';

const unique = (items: Iterable<string>) => [...new Set(items)].sort((a, b) => a.localeCompare(b));
const tags = computed(() => unique(store.builders.all.value.flatMap((builder) => builder.tags)));
const branches = computed(() =>
  unique(store.builds.all.value.flatMap((build) => build.sourceStamps.flatMap((stamp) => stamp.branch ?? []))),
);
const schedulers = computed(() => unique(store.builds.all.value.map((build) => build.scheduler)));
const people = computed(() => unique(store.builds.all.value.flatMap((build) => peopleOf(build, store.changes.peek))));

export function changeZoom(factor: number): void {
  const next = bounded(zoom.peek() * factor);
  setQuery({ zoom: Math.abs(next - 1) < 0.02 ? null : next.toFixed(2) });
}

/** Filters, scale of time, and how it is shown. Everything is in the address. */
export function Bar({ toNow }: { toNow: () => void }): JSX.Element {
  const active = FILTER_NAMES.filter((name) => filters.value[name] !== '');
  return (
    <div class="bar" role="toolbar" aria-label="Filters and scale">
      <input
        id="filter"
        type="search"
        placeholder="Builder or tag  /"
        aria-label="Show builders whose name, group or tag has"
        value={filters.value.name}
        onInput={(event) => setQuery({ name: event.currentTarget.value })}
      />
      <Choice name="tag" label="Tag" options={tags.value} />
      <Choice name="branch" label="Branch" options={branches.value} />
      <Choice name="result" label="Result" options={['RUNNING', ...RESULTS]} />
      <Choice name="scheduler" label="Scheduler" options={schedulers.value} />
      <Choice name="person" label="Person" options={people.value} />
      {active.length > 0 && (
        <button
          type="button"
          class="quiet"
          onClick={() => setQuery(Object.fromEntries(FILTER_NAMES.map((name) => [name, null])))}
        >
          Clear · {shownBuilders.value.length} of {store.builders.all.value.length} builders
        </button>
      )}
      <span class="spring" />
      <Scale toNow={toNow} />
    </div>
  );
}

function Scale({ toNow }: { toNow: () => void }): JSX.Element {
  const table = query.value.get('view') === 'table';
  return (
    <span class="scale">
      <button type="button" class="quiet" onClick={toNow} title="To now (gg)">
        Now
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={mode.value === 'linear'}
        title="In proportion to time, instead of folded and compressed"
        onClick={() => setQuery({ time: mode.value === 'linear' ? null : 'linear' })}
      >
        Linear
      </button>
      <button
        type="button"
        class="quiet"
        aria-label="Zoom out"
        title="Zoom out (-)"
        onClick={() => changeZoom(1 / ZOOM_STEP)}
      >
        −
      </button>
      <button type="button" class="quiet num" title="Plain size (0)" onClick={() => setQuery({ zoom: null })}>
        {Math.round(zoom.value * 100)} %
      </button>
      <button
        type="button"
        class="quiet"
        aria-label="Zoom in"
        title="Zoom in (+)"
        onClick={() => changeZoom(ZOOM_STEP)}
      >
        +
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={table}
        title="The same as a table"
        onClick={() => setQuery({ view: table ? null : 'table' })}
      >
        Table
      </button>
    </span>
  );
}

function Choice(props: { name: keyof Filters; label: string; options: readonly string[] }): JSX.Element {
  const value = filters.value[props.name];
  const options = value === '' || props.options.includes(value) ? props.options : [value, ...props.options];
  return (
    <select
      aria-label={props.label}
      class={value === '' ? '' : 'on'}
      value={value}
      onChange={(event) => setQuery({ [props.name]: event.currentTarget.value })}
    >
      <option value="">{props.label}</option>
      {options.map((option) => (
        <option key={option} value={option}>
          {props.name === 'result' ? option.toLowerCase() : option}
        </option>
      ))}
    </select>
  );
}
