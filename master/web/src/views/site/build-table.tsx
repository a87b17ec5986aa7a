import type { Build } from '@icefall/shared';
import type { JSX } from 'preact';
import { paths } from '../../routes.ts';
import { store } from '../../store/index.ts';
import { lookOfBuild } from '../../ui/look.ts';
import { Ago, Badge, BuilderLink, Lasted } from '../../ui/parts.tsx';
import { revisionOf, tellingStamp } from '../../ui/revision.ts';
import { peopleOf } from '../waterfall/filters.ts';

/** Builds, one a row. Without the builder's column where all are of one. */
export function BuildTable({ builds, ofOne = false }: { builds: readonly Build[]; ofOne?: boolean }): JSX.Element {
  return (
    <div class="table-scroll">
      <table class="builds cards">
        <thead>
          <tr>
            <th scope="col">Build</th>
            <th scope="col">Result</th>
            <th scope="col">Began</th>
            <th scope="col">Took</th>
            <th scope="col">Reason</th>
            <th scope="col">Who</th>
            <th scope="col">Revision</th>
            <th scope="col">Worker</th>
          </tr>
        </thead>
        <tbody>
          {builds.map((build) => (
            <tr
              key={build.id}
              data-build-id={build.id}
              data-builder={build.builder}
              data-state={build.state}
              data-result={build.result ?? undefined}
            >
              <td>
                {!ofOne && (
                  <>
                    <BuilderLink name={build.builder} />{' '}
                  </>
                )}
                <a class="num" href={paths.build(build.id)}>
                  #{build.number}
                </a>
              </td>
              <td>
                <Badge look={lookOfBuild(build)} /> <span class="dim">{build.summary}</span>
              </td>
              <td data-label="began">
                <Ago at={build.startedAt} />
              </td>
              <td data-label="took">
                <Lasted from={build.startedAt} to={build.finishedAt} />
              </td>
              <td class="card-line">{build.reason}</td>
              <td data-label="who">{peopleOf(build, store.changes.peek).join(', ')}</td>
              <td>
                <code>{sourceOf(build)}</code>
              </td>
              <td data-label="on">{build.worker}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The revision, as far as it is known, else the branch. */
function sourceOf(build: Build): string {
  const stamp = tellingStamp(build);
  return stamp === null ? '' : (revisionOf(build, stamp)?.slice(0, 8) ?? stamp.branch ?? '');
}
