import type { Build, Builder } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { query, setQuery } from '../../navigation.ts';
import { paths } from '../../routes.ts';
import { newestFirst, store } from '../../store/index.ts';
import { lookOfBuild } from '../../ui/look.ts';
import { Ago, Badge, BuilderLink, BuildLink, Empty, Page } from '../../ui/parts.tsx';
import { useResource } from '../../ui/resource.ts';
import { maySeeAll } from '../access/rights.ts';
import { builderPasses, filtersOf } from '../waterfall/filters.ts';
import { groupBy } from '../waterfall/layout.ts';
import { ForceButton } from './force-button.tsx';
import { Sparks } from './sparks.tsx';

/** All builders by group, with their last builds. */
export function Builders(): JSX.Element {
  const filters = filtersOf(query.value);
  const shown = store.builders.all.value.filter((builder) => builderPasses(filters, builder));
  const builds = groupBy(newestFirst(store.builds.all.value), (build) => build.builder);
  const isWhole = maySeeAll();
  const projects = useResource(String(isWhole), async () => (isWhole ? await api.projects() : { projects: [] }));
  const filter = (
    <>
      {projects.state === 'ready' && projects.value.projects.length > 0 && (
        <a class="button quiet" href={paths.projects}>
          Projects
        </a>
      )}
      <input
        id="filter"
        type="search"
        placeholder="Filter  /"
        aria-label="Show builders whose name, group or tag has"
        value={filters.name}
        onInput={(event) => setQuery({ name: event.currentTarget.value })}
      />
    </>
  );
  return (
    <Page name="builders" title="Builders" aside={filter}>
      {shown.length === 0 && <Empty>No builder has this in its name, group or tags.</Empty>}
      {[...groupBy(shown, (builder) => builder.group)].map(([group, members]) => (
        <section key={group}>
          <h2>{group}</h2>
          <div class="table-scroll">
            <table class="builders">
              <colgroup>
                <col class="wide" />
                <col class="state-col" />
                <col class="sparks-col" />
                <col />
                <col class="waiting-col" />
                <col class="actions-col" />
              </colgroup>
              <thead class="unseen">
                <tr>
                  <th scope="col">Builder</th>
                  <th scope="col">State</th>
                  <th scope="col">Last builds</th>
                  <th scope="col">Newest</th>
                  <th scope="col">Waiting</th>
                  <th scope="col">Actions</th>
                </tr>
              </thead>
              <tbody>
                {members.map((builder) => (
                  <Row key={builder.name} builder={builder} builds={builds.get(builder.name) ?? []} />
                ))}
              </tbody>
            </table>
          </div>
        </section>
      ))}
    </Page>
  );
}

function Row({ builder, builds }: { builder: Builder; builds: readonly Build[] }): JSX.Element {
  const newest = builds[0];
  const state = builder.runningBuilds > 0 ? 'running' : 'idle';
  return (
    <tr data-builder={builder.name} data-state={state} data-result={builder.lastResult ?? undefined}>
      <td class="builder-cell">
        <BuilderLink name={builder.name} />
        {builder.tags.map((tag) => (
          <a key={tag} class="tag" href={`/builders?name=${encodeURIComponent(tag)}`}>
            {tag}
          </a>
        ))}
        <span class="builder-description dim">{builder.description}</span>
      </td>
      <td>
        {newest !== undefined ? (
          <Badge look={lookOfBuild(newest)} />
        ) : builder.lastResult !== null ? (
          <Badge look={builder.lastResult} />
        ) : (
          <span class="dim">no builds</span>
        )}
      </td>
      <td>
        <Sparks builds={builds} />
      </td>
      <td>
        {newest !== undefined && (
          <>
            <BuildLink id={newest.id} label={`#${newest.number}`} />{' '}
            <span class="dim">
              <Ago at={newest.startedAt} />
            </span>
          </>
        )}
      </td>
      <td class="num">
        {builder.pendingRequests > 0 && (
          <a href={paths.queueOf(builder.name)} title={`Why ${builder.name} waits`}>
            {builder.pendingRequests} waiting
          </a>
        )}
      </td>
      <td>
        <ForceButton builder={builder} />
      </td>
    </tr>
  );
}
