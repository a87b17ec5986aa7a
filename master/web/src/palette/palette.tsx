import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { navigate } from '../navigation.ts';
import { paths } from '../routes.ts';
import { newestFirst, store } from '../store/index.ts';
import { paletteOpen } from '../ui/actions.ts';
import { Dialog } from '../ui/dialog.tsx';
import { findPlaces, type Place } from './find.ts';

/** Builds that can be found by their number; older ones are on their builder's page. */
const MOST_BUILDS = 1000;

/** Search over everything that the page knows: Ctrl-K (or Cmd-K). */
export function Palette(): JSX.Element | null {
  if (!paletteOpen.value) return null;
  return (
    <Dialog title="Go to" name="palette" onClose={close}>
      <Finder places={placesNow()} />
    </Dialog>
  );
}

function close(): void {
  paletteOpen.value = false;
}

function Finder({ places }: { places: readonly Place[] }): JSX.Element {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const found = findPlaces(places, text);
  const go = (place: Place | undefined) => {
    if (place === undefined) return;
    close();
    navigate(place.href);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((at + step + found.length) % Math.max(1, found.length));
    }
    if (event.key !== 'Enter') return;
    // With the dialog gone the focus is where it was before, and a button there would take the key for its own.
    event.preventDefault();
    go(found[at]);
  };
  return (
    <>
      <input
        type="search"
        class="palette-input"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${at}`}
        aria-label="Builder, build, worker, change, page"
        placeholder="Builder, build, worker, change, page"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="palette-list" role="listbox" aria-label="Found" class="palette-list">
        {found.map((place, i) => (
          <a
            key={place.href}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === at}
            tabIndex={-1}
            href={place.href}
            onClick={close}
          >
            <span>{place.text}</span> <span class="dim">{place.kind}</span>
          </a>
        ))}
        {found.length === 0 && <p class="dim">Nothing has all of these words.</p>}
      </div>
    </>
  );
}

function placesNow(): Place[] {
  const place = (kind: string, text: string, href: string, words = ''): Place => ({ kind, text, href, words });
  const pages = [
    'builders',
    'console',
    'grid',
    'queue',
    'workers',
    'locks',
    'schedulers',
    'changes',
    'projects',
    'about',
  ] as const;
  return [
    place('page', 'waterfall', paths.waterfall),
    ...pages.map((page) => place('page', page, paths[page])),
    ...store.builders.all
      .peek()
      .map((builder) =>
        place('builder', builder.name, paths.builder(builder.name), `${builder.group} ${builder.tags.join(' ')}`),
      ),
    ...store.workers.all.peek().map((worker) => place('worker', worker.name, paths.worker(worker.name))),
    ...store.locks.all.peek().map((lock) => place('lock', lock.name, paths.lock(lock.name))),
    ...store.schedulers.all
      .peek()
      .map((scheduler) => place('scheduler', scheduler.name, paths.scheduler(scheduler.name))),
    ...newestFirst(store.builds.all.peek())
      .slice(0, MOST_BUILDS)
      .map((build) =>
        place(
          'build',
          `${build.builder} #${build.number}`,
          paths.build(build.id),
          `${build.result ?? 'running'} ${build.reason} ${build.owner ?? ''}`,
        ),
      ),
    ...store.changes.all
      .peek()
      .map((change) =>
        place(
          'change',
          change.message.split('\n')[0] ?? '',
          paths.change(change.id),
          `${change.revision ?? ''} ${change.author}`,
        ),
      ),
  ];
}
