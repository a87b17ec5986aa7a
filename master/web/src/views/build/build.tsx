import type { Build } from '@icefall/shared';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { now } from '../../store/clock.ts';
import { perform, question, tell } from '../../ui/actions.ts';
import { DeedButton } from '../../ui/deed-button.tsx';
import { lookOfBuild } from '../../ui/look.ts';
import { Badge, BuilderLink, Empty, Page, remainingMs } from '../../ui/parts.tsx';
import { messageOf } from '../../ui/resource.ts';
import { setViewKeys } from '../../ui/shortcuts.ts';
import { shortDuration } from '../../ui/times.ts';
import { useTitle } from '../../ui/title.ts';
import { canNotify, toggleWatch, watched } from '../../ui/watch.ts';
import { Facts } from './facts.tsx';
import { Pager, pagerKey } from './pager.tsx';
import { Properties } from './properties.tsx';
import { BuildSearch } from './search.tsx';
import { Steps } from './steps.tsx';
import { useBuildResource, type Which } from './use-build.ts';

/** One build: what, who, why, where, how long, and what failed. */
export function BuildView({ which }: { which: Which }): JSX.Element {
  const { build, resource } = useBuildResource(which);
  useEffect(() => (build === undefined ? undefined : setViewKeys((key) => buildKey(key, build))), [build?.id]);
  useTitle(
    build === undefined ? 'build' : `${build.builder} #${build.number}`,
    build === undefined ? null : lookOfBuild(build),
  );
  if (build === undefined)
    return (
      <Page name="build" title="Build">
        <Empty>{resource.state === 'failed' ? resource.message : 'Loading …'}</Empty>
      </Page>
    );
  return (
    <Page name="build" title={<Title build={build} />} aside={<Actions build={build} />}>
      <div
        class="build"
        data-build-id={build.id}
        data-builder={build.builder}
        data-build-number={build.number}
        data-state={build.state}
        data-result={build.result ?? undefined}
      >
        <Facts build={build} />
        <Steps build={build} />
        <BuildSearch build={build} />
        <Properties properties={build.properties} />
      </div>
    </Page>
  );
}

function Title({ build }: { build: Build }): JSX.Element {
  const left = remainingMs(build, now.value);
  return (
    <>
      <BuilderLink name={build.builder} /> <span class="num">#{build.number}</span>{' '}
      <span class="title-badge">
        <Badge look={lookOfBuild(build)} />
      </span>{' '}
      <small class="dim">
        {build.summary}
        {build.stopReason !== null &&
          build.finishedAt === null &&
          ` stopping${build.stopReason === '' ? '' : `: ${build.stopReason}`}`}
        {left !== null &&
          (left > 0 ? `about ${shortDuration(left)} left` : `${shortDuration(-left)} longer than usual`)}
      </small>
    </>
  );
}

function Actions({ build }: { build: Build }): JSX.Element {
  const running = build.finishedAt === null;
  return (
    <>
      <Pager build={build} />
      {running && canNotify && (
        <button
          type="button"
          class="quiet"
          data-action="watch"
          aria-pressed={watched.value.has(build.id)}
          title="Have the browser tell you when it ends, while this tab is open"
          onClick={() => void toggleWatch(build)}
        >
          Notify me
        </button>
      )}
      {running ? (
        <DeedButton
          deed="stop"
          scope={[build.builder]}
          unable={build.stopReason === null ? null : 'It is being stopped already.'}
          class="danger"
          data-action="stop"
          title="Stop this build (A)"
          onClick={() => askToStop(build)}
        >
          Stop
        </DeedButton>
      ) : (
        <DeedButton
          deed="rebuild"
          scope={[build.builder]}
          data-action="rebuild"
          title="The same sources and properties again (R)"
          onClick={() => void rebuild(build)}
        >
          Rebuild
        </DeedButton>
      )}
    </>
  );
}

function askToStop(build: Build): void {
  question.value = {
    title: `Stop ${build.builder} #${build.number}?`,
    text: 'Its running step is interrupted; clean-up steps still run.',
    button: 'Stop the build',
    act: (reason) =>
      void perform(() => api.stop(build.id, reason), `${build.builder} #${build.number} is being stopped.`),
  };
}

async function rebuild(build: Build): Promise<void> {
  try {
    const { buildset } = await api.rebuild(build.id);
    tell(`Asked for ${build.builder} again.`, { href: `/requests/${buildset.requestIds[0] ?? 0}` });
  } catch (cause) {
    tell(messageOf(cause), { bad: true });
  }
}

/** The button of an action, where the build's state has one, which also knows who may press it. */
function press(action: 'stop' | 'rebuild'): void {
  document.querySelector<HTMLElement>(`[data-action=${action}]`)?.click();
}

function buildKey(key: string, build: Build): boolean {
  if (key === 'A') press('stop');
  else if (key === 'R') press('rebuild');
  else return pagerKey(key, build);
  return true;
}
