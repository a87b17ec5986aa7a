import type { Build, Builder } from '@icefall/shared';
import type { JSX } from 'preact';
import { query } from '../navigation.ts';
import { newestFirst, store } from '../store/index.ts';
import { Ago, BuilderLink, Empty, Page } from '../ui/parts.tsx';
import { revisionOf, tellingStamp } from '../ui/revision.ts';
import { BuildCell, ConsoleHead } from './console.tsx';
import { builderPasses, filtersOf } from './waterfall/filters.ts';

/** Sources that are shown: a window's width of them. */
const MOST_SOURCES = 16;

/** What was built together: the same revisions, whatever started it. */
interface Source {
  readonly key: string;
  readonly label: string;
  readonly branch: string;
  /** When the newest build of it began. */
  readonly at: number;
  /** The newest build of each builder. */
  readonly builds: ReadonlyMap<string, Build>;
}

/** How each builder does on the newest sources: builders are rows, sources columns, newest first. */
export function Grid(): JSX.Element {
  const filters = filtersOf(query.value);
  const builders = store.builders.all.value.filter((builder) => builderPasses(filters, builder));
  const names = new Set(builders.map(({ name }) => name));
  const builds = newestFirst(store.builds.all.value).filter(
    (build) =>
      names.has(build.builder) &&
      (filters.branch === '' || build.sourceStamps.some(({ branch }) => branch === filters.branch)),
  );
  const sources = sourcesOf(builds).slice(0, MOST_SOURCES);
  const shown = builders.filter(({ name }) => sources.some((source) => source.builds.has(name)));
  return (
    <Page name="grid" title="Grid" aside={<ConsoleHead />}>
      {sources.length === 0 && <Empty>Nothing was built in the time that is shown.</Empty>}
      <div class="table-scroll">
        <table class="console">
          <thead>
            <tr>
              <th scope="col">Builder</th>
              {sources.map((source) => (
                <th key={source.key} scope="col" class="grid-source">
                  <code>{source.label}</code>
                  <span class="dim">
                    {source.branch} · <Ago at={source.at} />
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((builder) => (
              <Row key={builder.name} builder={builder} sources={sources} />
            ))}
          </tbody>
        </table>
      </div>
    </Page>
  );
}

function Row({ builder, sources }: { builder: Builder; sources: readonly Source[] }): JSX.Element {
  return (
    <tr data-builder={builder.name}>
      <th scope="row">
        <BuilderLink name={builder.name} />
      </th>
      {sources.map(({ key, builds }) => {
        const build = builds.get(builder.name);
        return <td key={key}>{build === undefined ? null : <BuildCell build={build} />}</td>;
      })}
    </tr>
  );
}

/** What has no repository has nothing to be compared by: it shares a column. */
const NO_SOURCE = 'no source';

/** Builds of a repository whose revision nobody knows (yet) stand for themselves by their request. */
function sourcesOf(newest: readonly Build[]): Source[] {
  const sources = new Map<string, Source & { builds: Map<string, Build> }>();
  for (const build of newest) {
    const key = keyOf(build);
    const known = sources.get(key);
    if (known === undefined) sources.set(key, { ...describe(build, key), builds: new Map([[build.builder, build]]) });
    else if (!known.builds.has(build.builder)) known.builds.set(build.builder, build);
  }
  return [...sources.values()];
}

function keyOf(build: Build): string {
  const revisions = build.sourceStamps.flatMap((stamp) => {
    const revision = revisionOf(build, stamp);
    return revision === null ? [] : [`${stamp.codebase} ${revision}`];
  });
  if (revisions.length > 0) return revisions.join();
  return build.sourceStamps.every(({ repository }) => repository === '') ? NO_SOURCE : `buildset ${build.buildsetId}`;
}

function describe(build: Build, key: string): Omit<Source, 'builds'> {
  const { startedAt } = build;
  if (key === NO_SOURCE) return { key, label: '–', branch: NO_SOURCE, at: startedAt };
  const first = tellingStamp(build);
  const revision = first === null ? null : revisionOf(build, first);
  return { key, label: revision?.slice(0, 7) ?? 'newest', branch: first?.branch ?? 'default branch', at: startedAt };
}
