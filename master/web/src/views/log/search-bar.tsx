import type { JSX } from 'preact';
import type { Reading } from './reading.ts';

/** Rests this long in typing before it searches: each search reads the log. */
const REST_MS = 250;
let resting: ReturnType<typeof setTimeout> | undefined;

/** Search within the log. */
export function SearchBar({ reading }: { reading: Reading }): JSX.Element {
  const { state, hits, done } = reading.search.value;
  const words = {
    none: '',
    broken: 'not an expression',
    running: `${hits.length} in ${done.toLocaleString('en')} lines …`,
    failed: 'failed',
    done: hits.length === 0 ? 'none' : `${reading.hit.value + 1} of ${hits.length}`,
    full: `${reading.hit.value + 1} of the first ${hits.length}`,
  }[state];
  return (
    <search class="log-search">
      <input
        id="log-search"
        type="search"
        placeholder="Search, or /expression/"
        aria-label="Search in this log"
        onInput={(event) => {
          const text = event.currentTarget.value;
          clearTimeout(resting);
          resting = setTimeout(() => reading.find(text), REST_MS);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') reading.nextHit(event.shiftKey ? -1 : 1);
          if (event.key === 'Escape') event.currentTarget.blur();
        }}
      />
      <span class="dim num" role="status" data-search={state} data-hits={hits.length}>
        {words}
      </span>
    </search>
  );
}
