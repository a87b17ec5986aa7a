import type { Access } from '../access/access.ts';
import type { EventStream } from '../events/stream.ts';
import type { Views } from '../events/views.ts';
import type { LogFollowers } from './log-followers.ts';
import type { MasterPort } from './master-port.ts';
import type { SearchTurns } from './search-turns.ts';
import type { SseStreams } from './sse.ts';

/** What routes find behind the door. */
export interface Door {
  readonly master: MasterPort;
  readonly views: Views;
  readonly stream: EventStream;
  readonly followers: LogFollowers;
  readonly sse: SseStreams;
  readonly searches: SearchTurns;
  readonly access: Access;
}
