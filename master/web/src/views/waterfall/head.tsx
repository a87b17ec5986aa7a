import type { Build, Builder, Request } from '@icefall/shared';
import { describeBlocker } from '@icefall/shared/api/describe';
import { computed } from '@preact/signals';
import type { JSX } from 'preact';
import { paths } from '../../routes.ts';
import { now } from '../../store/clock.ts';
import { store } from '../../store/index.ts';
import { GLYPHS, type Look, lookOfBuild, WORDS } from '../../ui/look.ts';
import { remainingMs } from '../../ui/parts.tsx';
import { shortWhy } from '../../ui/short-why.ts';
import { shortDuration } from '../../ui/times.ts';
import { ForceButton } from '../site/force-button.tsx';
import type { Column } from './layout.ts';
import { viewport } from './view-state.ts';

/** Requests that a column's head shows one by one; of the others it tells how many. Low windows have room for one. */
const shownRequests = computed(() => (viewport.value.height < 760 ? 1 : 2));
const REQUEST_HEIGHT = 50;
const MORE_HEIGHT = 18;

/** Height of the queue above all columns: as much as the longest needs. */
export function queueHeight(columns: readonly Column[]): number {
  const longest = Math.max(0, ...columns.map((column) => column.pending.length));
  if (longest === 0) return 0;
  const shown = shownRequests.value;
  return Math.min(longest, shown) * REQUEST_HEIGHT + (longest > shown ? MORE_HEIGHT : 0) + 4;
}

/** Name, state, Force button and queue of a builder. */
export function HeadView({ column }: { column: Column }): JSX.Element {
  const { builder, pending } = column;
  return (
    <div class="head" data-builder={builder.name} style={{ left: `${column.x}px`, width: `${column.width}px` }}>
      <a class="head-name" href={paths.builder(builder.name)} title={`${builder.name}\n${builder.description}`}>
        {softBreaks(builder.name)}
      </a>
      <StateBox column={column} />
      <ForceButton builder={builder} />
      <Queue builder={builder} pending={pending} />
    </div>
  );
}

/** Names break after `_`, `-` and `.`, for columns are narrow. */
function softBreaks(name: string): (string | JSX.Element)[] {
  return name.split(/(?<=[_\-.])/).flatMap((part, i) => (i === 0 ? [part] : [<wbr key={i} />, part]));
}

function StateBox({ column: { builder, blocks } }: { column: Column }): JSX.Element {
  const running = blocks.map((block) => block.build).filter((build) => build.finishedAt === null);
  const current = running[0];
  const offline =
    builder.workers.length > 0 && builder.workers.every((name) => store.workers.get(name)?.connected === false);
  const look: Look = current === undefined ? (builder.lastResult ?? 'PENDING') : lookOfBuild(current);
  const state = current !== undefined ? 'running' : offline ? 'offline' : 'idle';
  return (
    <div class="state" data-state={state} data-result={builder.lastResult ?? undefined} data-look={look}>
      <b aria-hidden="true">{GLYPHS[look]}</b>{' '}
      {current !== undefined
        ? runningText(current, running.length)
        : offline
          ? 'offline'
          : builder.lastResult === null
            ? 'no builds'
            : WORDS[look]}
    </div>
  );
}

function runningText(build: Build, count: number): string {
  if (count > 1) return `${count} running`;
  const left = remainingMs(build, now.value);
  if (left === null) return build.state === 'waiting' ? 'waiting' : 'running';
  return left > 0 ? `${shortDuration(left)} left` : `${shortDuration(-left)} over`;
}

function Queue({ builder, pending }: { builder: Builder; pending: readonly Request[] }): JSX.Element | null {
  if (pending.length === 0) return null;
  const more = pending.length - shownRequests.value;
  return (
    <section class="queue" aria-label={`Waiting for ${builder.name}`}>
      {pending.slice(0, shownRequests.value).map((request) => (
        <RequestCard key={request.id} request={request} />
      ))}
      {more > 0 && (
        <a class="queue-more" href={paths.queueOf(builder.name)}>
          {more} more
        </a>
      )}
    </section>
  );
}

function RequestCard({ request }: { request: Request }): JSX.Element {
  const why = request.blocker === null ? 'about to start' : describeBlocker(request.blocker);
  return (
    <a
      class="request hatched"
      href={paths.request(request.id)}
      title={`Request ${request.id}: ${request.reason}\n${why}`}
      data-request-id={request.id}
      data-builder={request.builder}
      data-state={request.state}
      data-blocker={request.blocker?.kind}
    >
      <b class="num">◷ {shortDuration(now.value - request.submittedAt)}</b>{' '}
      {request.blocker === null ? 'about to start' : shortWhy(request.blocker)}
      <span class="unseen">
        request {request.id} for {request.builder} {why}
      </span>
    </a>
  );
}
