import type { JSX } from 'preact';
import { query, setQuery } from '../../navigation.ts';
import { store } from '../../store/index.ts';
import { toggleWall } from '../../ui/wall.ts';
import { FilterChoice } from './filter-choices.tsx';
import { FILTER_NAMES } from './filters.ts';
import { SCALE_MODES } from './scale.ts';
import { filters, mode, onlyBusy, shownBuilders, ZOOM_STEP, zoom } from './view-state.ts';
import { changeZoom, fitZoom, plainZoom } from './zoom.ts';

export interface BarProps {
  readonly toNow: () => void;
  /** Shows a time; milliseconds since the epoch. */
  readonly jumpTo: (time: number) => void;
}

/** Filters, scale of time, and how it is shown. Everything is in the address. */
export function Bar({ toNow, jumpTo }: BarProps): JSX.Element {
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
      <FilterChoice name="tag" />
      <FilterChoice name="branch" />
      <FilterChoice name="result" />
      <FilterChoice name="scheduler" />
      <FilterChoice name="person" />
      <button
        type="button"
        class="quiet"
        aria-pressed={onlyBusy.value}
        title="Only builders that have builds in the time that is shown, or requests that wait"
        onClick={() => setQuery({ with: onlyBusy.value ? null : 'builds' })}
      >
        With builds
      </button>
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
      <Scale toNow={toNow} jumpTo={jumpTo} />
    </div>
  );
}

function Scale({ toNow, jumpTo }: BarProps): JSX.Element {
  const table = query.value.get('view') === 'table';
  return (
    <span class="scale">
      <button type="button" class="quiet" onClick={toNow} title="To now (gg)">
        Now
      </button>
      <JumpField jumpTo={jumpTo} />
      <select
        aria-label="Scale of time"
        title="Compressed: long times take less room. Linear: in proportion. Rows: each event a row"
        class={mode.value === 'compressed' ? '' : 'on'}
        value={mode.value}
        onChange={(event) =>
          setQuery({ time: event.currentTarget.value === 'compressed' ? null : event.currentTarget.value })
        }
      >
        {SCALE_MODES.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="quiet"
        aria-label="Zoom out"
        title="Zoom out (-)"
        onClick={() => changeZoom(1 / ZOOM_STEP)}
      >
        −
      </button>
      <button type="button" class="quiet num" title="Plain size (0)" onClick={plainZoom}>
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
      <button type="button" class="quiet" title="All of it in view (v)" onClick={fitZoom}>
        Fit
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
      <button
        type="button"
        class="quiet"
        title="For a display on a wall: large, without buttons (Esc ends it)"
        onClick={toggleWall}
      >
        Wall
      </button>
    </span>
  );
}

/** Takes a local time to go to. */
function JumpField({ jumpTo }: { jumpTo: (time: number) => void }): JSX.Element {
  return (
    <input
      id="jump"
      type="datetime-local"
      class="jump"
      aria-label="Jump to a time"
      title="Jump to a time"
      onChange={(event) => {
        const time = new Date(event.currentTarget.value).getTime();
        if (!Number.isNaN(time)) jumpTo(time);
      }}
    />
  );
}
