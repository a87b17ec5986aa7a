import type { Blocker } from '@icefall/shared';
import { describeBlocker, namedShortly } from '@icefall/shared/api/describe';

const MOST_NAMED = 3;

/** Why something waits, in the few words that a narrow box has room for. The whole sentence is describeBlocker's. */
export function shortWhy(blocker: Blocker): string {
  switch (blocker.kind) {
    case 'workersOffline':
      return `${namedShortly(
        blocker.workers.map(({ name }) => name),
        MOST_NAMED,
      )} not connected`;
    case 'workersBusy':
      return `${namedShortly(blocker.workers, MOST_NAMED)} busy`;
    case 'workersPaused':
      return `${namedShortly(blocker.workers, MOST_NAMED)} paused`;
    case 'lock': {
      const [holder] = blocker.holders;
      const others = blocker.holders.length - 1 + (blocker.others ?? 0);
      const more = others > 0 ? ` +${others}` : '';
      return `lock ${blocker.lock}${holder === undefined ? '' : `: ${holder.builder} #${holder.buildNumber}${more}`}`;
    }
    case 'pool':
      return blocker.trouble ?? `pool ${blocker.pool}: ${blocker.starting} starting`;
    case 'mayStart':
      return blocker.reason;
    case 'notChosen':
      return 'not its turn (nextRequest)';
    case 'backOff':
      return `attempt ${blocker.attempt} after back-off`;
    case 'workerAway':
      return `${blocker.worker} is away`;
    case 'children':
      return `${blocker.finished} of ${blocker.total} triggered builds done`;
    case 'slot':
      return `slot on ${blocker.worker}`;
    case 'behind':
      return 'earlier requests';
    case 'draining':
      return 'the master drains';
    case 'deadlock':
      return `deadlock of ${blocker.cycle.length} builds`;
    case 'takenIn':
      return `goes with request ${blocker.requestId}`;
    case 'builderGone':
      return 'builder is gone';
    default:
      return describeBlocker(blocker);
  }
}
