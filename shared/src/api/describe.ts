import type { Blocker } from './blockers.ts';

/** One sentence for people: what it waits for, and what will free it. */
export function describeBlocker(blocker: Blocker): string {
  switch (blocker.kind) {
    case 'workersOffline':
      return `waits for a worker: ${namedShortly(blocker.workers.map((w) => w.name))} not connected`;
    case 'workersBusy':
      return `waits for a free slot on ${namedShortly(blocker.workers)}${inBrackets(unusableOf(blocker))}`;
    case 'workersPaused':
      return `waits for a worker: ${[`${namedShortly(blocker.workers)} paused`, ...unusableOf(blocker)].join('; ')}`;
    case 'lock': {
      const who = blocker.holders
        .map((h) => `${h.builder} #${h.buildNumber}${h.stepName === null ? '' : ` (${h.stepName})`}`)
        .join(', ');
      const others = blocker.others === undefined ? '' : ` and ${blocker.others} more`;
      const place = blocker.position > 1 ? `, ${blocker.position - 1} ahead` : '';
      return `waits for lock ${blocker.lock} (${blocker.mode})${who === '' ? '' : `, held by ${who}${others}`}${place}`;
    }
    case 'pool': {
      const { pool, starting, running, maximum, trouble } = blocker;
      const so = `${starting} starting, ${running} of ${maximum} running`;
      return `waits for a worker of pool ${pool}: ${so}${trouble === null ? '' : `; ${trouble}`}`;
    }
    case 'mayStart':
      return `held back by the site: ${blocker.reason}`;
    case 'notChosen':
      return "held back by the builder's nextRequest";
    case 'backOff':
      return `attempt ${blocker.attempt} starts after its back-off`;
    case 'workerAway':
      return `worker ${blocker.worker} is away; given up when its grace ends`;
    case 'children':
      return `waits for triggered builds, ${blocker.finished} of ${blocker.total} finished`;
    case 'slot':
      return `waits to get its slot on ${blocker.worker} back (first in line)`;
    case 'behind':
      return `waits behind earlier requests of ${blocker.builder}`;
    case 'draining':
      return 'waits until the master is started again: it drains, and starts nothing new';
    case 'deadlock': {
      const waits = blocker.cycle.map((build) => `${build.builder} #${build.number} waits for ${build.waitsFor}`);
      const ended = blocker.cycle.find((build) => build.buildId === blocker.ends);
      const remedy = ended === undefined ? 'stop one of them' : `${ended.builder} #${ended.number} is ended for it`;
      return `deadlock: ${waits.join(', ')}; ${remedy}`;
    }
    case 'takenIn':
      return `taken in by request ${blocker.requestId}, and ends with it`;
    case 'builderGone':
      return `builder ${blocker.builder} is not in the configuration any more`;
  }
}

/** Of many workers so many are named, and the others counted. */
const MOST_NAMED = 5;

export function namedShortly(names: readonly string[], most = MOST_NAMED): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `${names.slice(0, most).join(', ')}${more}`;
}

interface Unusable {
  readonly offline?: readonly string[] | undefined;
  readonly paused?: readonly string[] | undefined;
}

function unusableOf({ offline = [], paused = [] }: Unusable): string[] {
  return [...inState(paused, 'paused'), ...inState(offline, 'not connected')];
}

function inState(names: readonly string[], state: string): string[] {
  return names.length === 0 ? [] : [`${namedShortly(names)} ${state}`];
}

function inBrackets(notes: readonly string[]): string {
  return notes.length === 0 ? '' : ` (${notes.join('; ')})`;
}
