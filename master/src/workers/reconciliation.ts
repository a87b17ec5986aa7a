import type { Hello } from '@icefall/shared';
import type { CommandRow } from './command-rows.ts';

type Held = Hello['commands'][number];

/** What becomes of one command when its worker is back. */
export type Verdict =
  /** The worker goes on sending at `offset`. */
  | { readonly do: 'continue'; readonly row: CommandRow; readonly held: Held; readonly offset: number }
  /** The worker ends it where it runs, and forgets it. */
  | { readonly do: 'drop'; readonly held: Held; readonly reason: string }
  /** Nobody will know how it ended. */
  | { readonly do: 'lose'; readonly row: CommandRow; readonly why: string }
  /** The worker has surely not begun it: it is told (again). */
  | { readonly do: 'start'; readonly row: CommandRow }
  /** As `start`, but its end was asked for meanwhile. */
  | { readonly do: 'interrupt'; readonly row: CommandRow; readonly reason: string };

interface Meeting {
  /** Of the worker that says hello. */
  readonly storeId: string;
  readonly held: readonly Held[];
  /** What is on record for this worker's name. */
  readonly rows: readonly CommandRow[];
  /** Bytes of a command's output that are durable here. */
  readonly replicaEnd: (row: CommandRow) => number;
}

/**
 * Compares what a worker holds with what is on record:
 *
 * | on record                     | held                    | verdict                                              |
 * | ----------------------------- | ----------------------- | ---------------------------------------------------- |
 * | nothing                       | any                     | drop: its end is on record, or it was given up        |
 * | another epoch                 | any                     | drop, and the row as if nothing were held             |
 * | another store                 | any                     | drop and lose                                        |
 * | same                          | begins after our end    | drop and lose: the output between is gone on both sides |
 * | same                          | else                    | continue at our end                                  |
 * | never sent                    | no                      | start                                                |
 * | sent to this store, no more   | no                      | start again: it never arrived                        |
 * | sent to another store, or started | no                  | lose                                                 |
 *
 * Where the end of a command was asked for that would be started, `interrupt` takes the place of `start`.
 */
export function reconcile(meeting: Meeting): Verdict[] {
  const { held, rows } = meeting;
  const byId = new Map(rows.map((row) => [row.id, row]));
  const matched = new Set<number>();
  const verdicts = held.flatMap((one): Verdict[] => {
    const row = byId.get(one.commandId);
    if (row === undefined)
      return [
        { do: 'drop', held: one, reason: 'the master has no such command any more: it has ended or was given up' },
      ];
    if (row.epoch !== one.epoch)
      return [{ do: 'drop', held: one, reason: `the command has epoch ${row.epoch} now, not ${one.epoch}` }];
    matched.add(row.id);
    return ofHeld(meeting, row, one);
  });
  return [...verdicts, ...rows.filter(({ id }) => !matched.has(id)).map((row) => ofMissing(meeting, row))];
}

function ofHeld({ storeId, replicaEnd }: Meeting, row: CommandRow, held: Held): Verdict[] {
  const lose = (why: string): Verdict[] => [
    { do: 'drop', held, reason: why },
    { do: 'lose', row, why },
  ];
  if (row.store_id !== null && row.store_id !== storeId)
    return lose('it is held by a worker with another journal than the one that was told to run it');
  const offset = replicaEnd(row);
  if (offset < held.firstOffset)
    return lose(
      `its output is incomplete: the master holds ${offset} bytes, the worker only what follows byte ${held.firstOffset}`,
    );
  return [{ do: 'continue', row, held, offset }];
}

function ofMissing({ storeId }: Meeting, row: CommandRow): Verdict {
  if (row.store_id !== null && row.store_id !== storeId)
    return {
      do: 'lose',
      row,
      why: `the worker ${row.worker} came back with another journal: its disk is not the same`,
    };
  if (row.state === 'started')
    return { do: 'lose', row, why: `the worker ${row.worker} came back without the command` };
  if (row.interrupt_reason !== null) return { do: 'interrupt', row, reason: row.interrupt_reason };
  return { do: 'start', row };
}
