import type { Build, Builder, Change } from '@icefall/shared';

/** What of the waterfall is shown. It is all in the address, under these names. */
export interface Filters {
  /** Words in a builder's name, group or tags; all of them must be found. */
  readonly name: string;
  readonly tag: string;
  readonly branch: string;
  readonly result: string;
  readonly scheduler: string;
  readonly person: string;
}
export const FILTER_NAMES = [
  'name',
  'tag',
  'branch',
  'result',
  'scheduler',
  'person',
] as const satisfies readonly (keyof Filters)[];

export function filtersOf(query: URLSearchParams): Filters {
  const text = (name: string) => query.get(name) ?? '';
  return {
    name: text('name'),
    tag: text('tag'),
    branch: text('branch'),
    result: text('result'),
    scheduler: text('scheduler'),
    person: text('person'),
  };
}

export function builderPasses(filters: Filters, builder: Builder): boolean {
  if (filters.tag !== '' && !builder.tags.includes(filters.tag)) return false;
  const text = [builder.name, builder.group, ...builder.tags].join(' ').toLowerCase();
  return words(filters.name).every((word) => text.includes(word));
}

/** `changeOf` gives a change by its id, for its author. A running build passes the result filter `RUNNING`. */
export function buildPasses(filters: Filters, build: Build, changeOf: (id: number) => Change | undefined): boolean {
  if (filters.branch !== '' && !build.sourceStamps.some((stamp) => stamp.branch === filters.branch)) return false;
  if (filters.result !== '' && (build.result ?? 'RUNNING') !== filters.result) return false;
  if (filters.scheduler !== '' && build.scheduler !== filters.scheduler) return false;
  return filters.person === '' || peopleOf(build, changeOf).some((person) => person === filters.person);
}

/** Who stands behind a build: its owner, and the authors of its changes. */
export function peopleOf(build: Build, changeOf: (id: number) => Change | undefined): string[] {
  const authors = build.changeIds.flatMap((id) => changeOf(id)?.author ?? []).map(shortName);
  return build.owner === null ? authors : [build.owner, ...authors];
}

/** `Release team` of `Release team <mk@example.org>`. */
export function shortName(author: string): string {
  const name = author.replace(/\s*<[^>]*>\s*$/, '').trim();
  return name === '' ? author : name;
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
}
