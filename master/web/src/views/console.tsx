import type { Build, Change } from '@icefall/shared';
import type { JSX } from 'preact';
import { path, query } from '../navigation.ts';
import { paths } from '../routes.ts';
import { now } from '../store/clock.ts';
import { newestFirst, store } from '../store/index.ts';
import { GLYPHS, lookOfBuild, WORDS } from '../ui/look.ts';
import { Ago, Empty, Page } from '../ui/parts.tsx';
import { shortDuration } from '../ui/times.ts';
import { FilterChoice } from './waterfall/filter-choices.tsx';
import { builderPasses, filtersOf, shortName } from './waterfall/filters.ts';
import { groupBy } from './waterfall/layout.ts';

/** Changes that are shown: rows are costly where there are many builders. */
const MOST_CHANGES = 60;

/** What became of each change, on each builder: changes are rows, builders columns. */
export function Console(): JSX.Element {
  const filters = filtersOf(query.value);
  const changes = [...store.changes.all.value]
    .filter((change) => filters.branch === '' || change.branch === filters.branch)
    .sort((a, b) => b.id - a.id)
    .slice(0, MOST_CHANGES);
  const byChange = new Map<number, Build[]>();
  for (const build of newestFirst(store.builds.all.value))
    for (const id of build.changeIds) byChange.set(id, [...(byChange.get(id) ?? []), build]);
  const built = new Set(changes.flatMap((change) => (byChange.get(change.id) ?? []).map((build) => build.builder)));
  const builders = store.builders.all.value.filter(
    (builder) => built.has(builder.name) && builderPasses(filters, builder),
  );
  const groups = [...groupBy(builders, (builder) => builder.group)];
  return (
    <Page name="console" title="Console" aside={<ConsoleHead />}>
      {changes.length === 0 && <Empty>No change has come in the time that is shown.</Empty>}
      <div class="table-scroll">
        <table class="console by-change">
          <thead>
            <tr>
              <td />
              {groups.map(([group, members]) => (
                <th key={group} scope="colgroup" colSpan={members.length}>
                  {group}
                </th>
              ))}
            </tr>
            <tr>
              <th scope="col">Change</th>
              {groups
                .flatMap(([, members]) => members)
                .map((builder) => (
                  <th key={builder.name} scope="col" class="console-builder">
                    <a href={paths.builder(builder.name)} title={builder.description}>
                      {builder.name}
                    </a>
                  </th>
                ))}
            </tr>
          </thead>
          <tbody>
            {changes.map((change) => (
              <Row
                key={change.id}
                change={change}
                builds={byChange.get(change.id) ?? []}
                builders={groups.flatMap(([, members]) => members.map((builder) => builder.name))}
              />
            ))}
          </tbody>
        </table>
      </div>
    </Page>
  );
}

/** From changes by builders to builders by sources and back, and what both are filtered by. */
export function ConsoleHead(): JSX.Element {
  const isGrid = path.value === paths.grid;
  return (
    <>
      <FilterChoice name="branch" />
      <FilterChoice name="tag" />
      <a class="button quiet" href={`${isGrid ? paths.console : paths.grid}${location.search}`}>
        {isGrid ? 'By change' : 'By source'}
      </a>
    </>
  );
}

function Row({
  change,
  builds,
  builders,
}: {
  change: Change;
  builds: readonly Build[];
  builders: readonly string[];
}): JSX.Element {
  return (
    <tr data-change-id={change.id}>
      <th scope="row" class="console-change">
        <a href={paths.change(change.id)}>
          <code>{change.revision?.slice(0, 7) ?? `change ${change.id}`}</code>
        </a>{' '}
        {change.message.split('\n')[0]}
        <br />
        <span class="dim">
          {shortName(change.author)} · {change.branch ?? 'default branch'} · <Ago at={change.receivedAt} />
        </span>
      </th>
      {builders.map((name) => (
        <td key={name}>
          {builds
            .filter((build) => build.builder === name)
            .map((build) => (
              <BuildCell key={build.id} build={build} />
            ))}
        </td>
      ))}
    </tr>
  );
}

/** A build, by its result and its duration. */
export function BuildCell({ build }: { build: Build }): JSX.Element {
  const look = lookOfBuild(build);
  const length = shortDuration((build.finishedAt ?? now.value) - build.startedAt);
  return (
    <a
      class="console-cell"
      href={paths.build(build.id)}
      title={`${build.builder} #${build.number}: ${WORDS[look]}, ${length}`}
      data-build-id={build.id}
      data-builder={build.builder}
      data-result={build.result ?? undefined}
      data-state={build.state}
      data-look={look}
    >
      <b aria-hidden="true">{GLYPHS[look]}</b> {length}
      <span class="unseen">
        {' '}
        {build.builder} #{build.number}: {WORDS[look]}
      </span>
    </a>
  );
}
