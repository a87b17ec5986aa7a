/** A mistake that somebody could make: a small change of one file of the master. */
export interface Mutant {
  /** What the mistake is. */
  readonly name: string;
  /** From the top of the repository. */
  readonly file: string;
  /** Each text is in the file exactly once, and is replaced. */
  readonly edits: readonly (readonly [find: string, replacement: string])[];
}

/** Planted mistakes, one at a time, each of which the simulation has to find. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a lock is granted once too often',
    file: 'master/src/locks/lock-table.ts',
    edits: [
      [
        'return inUse + want.count <= this.#limits(want.lock);',
        'return inUse + want.count <= this.#limits(want.lock) + 1;',
      ],
    ],
  },
  {
    name: 'an exclusive claim does not wait for those that count',
    file: 'master/src/locks/lock-table.ts',
    edits: [
      [
        "if (want.mode === 'exclusive') return state.holders.size === 0 && inUse === 0;",
        "if (want.mode === 'exclusive') return true;",
      ],
    ],
  },
  {
    name: 'a lock is not given back at the end of its build',
    file: 'master/src/builds/builds.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what stands in the file
    edits: [['    this.#rooms.locks.release(`build:${build.id}`);\n', '']],
  },
  {
    name: 'the queue for locks is turned round by a restart',
    file: 'master/src/locks/lock-keeper.ts',
    edits: [['seq: claims[0]?.seq ?? 0', 'seq: -(claims[0]?.seq ?? 0)']],
  },
  {
    name: 'a slot that is taken is forgotten by a restart',
    file: 'master/src/workers/slots.ts',
    edits: [
      [
        'for (const row of rows) if (row.holds_slot === 1)',
        'for (const row of rows.slice(1)) if (row.holds_slot === 1)',
      ],
    ],
  },
  {
    name: 'output is made durable, but not acknowledged',
    file: 'master/src/workers/acknowledger.ts',
    edits: [['      this.#options.send(ref, journal.durable);\n', '']],
  },
  {
    name: 'the epoch of a message is not looked at',
    file: 'master/src/workers/commands.ts',
    edits: [['row.epoch === epoch && row.worker === worker ? row : null', 'row.worker === worker ? row : null']],
  },
  {
    name: 'a request that has ended can end again',
    file: 'master/src/requests/requests.ts',
    edits: [
      [
        "if (row === null || row.state === 'finished') return;\n    const finishedAt",
        'if (row === null) return;\n    const finishedAt',
      ],
    ],
  },
  {
    name: 'it is not noted that a step which must not be repeated has begun',
    file: 'master/src/builds/step-runner.ts',
    edits: [['if (!step.retryable && build.once === 0) this.#rows.updateBuild(build.id, { once: 1 });', '']],
  },
  {
    name: 'nothing happens when the grace of an absent worker ends',
    file: 'master/src/workers/grace.ts',
    edits: [['        this.#commands.giveUp(build.id, worker, this.#why(build));\n', '']],
  },
  {
    name: 'clean-up for an absent worker has no end',
    file: 'master/src/workers/commands.ts',
    edits: [
      [
        'else this.awaited.fire({ buildId: command.buildId, worker: command.worker });',
        'else if (!command.patient) this.awaited.fire({ buildId: command.buildId, worker: command.worker });',
      ],
    ],
  },
  {
    name: 'the end of a grace stays where it is when the clock is set',
    file: 'master/src/workers/grace.ts',
    edits: [['this.#set(id, until + ms)', 'this.#set(id, until)']],
  },
  {
    name: 'a command is ordered again from a worker that has lost it',
    file: 'master/src/workers/reconciliation.ts',
    edits: [
      [
        'function ofMissing({ storeId }: Meeting, row: CommandRow): Verdict {\n',
        "function ofMissing({ storeId }: Meeting, row: CommandRow): Verdict {\n  if (row.state === 'started') return { do: 'start', row };\n",
      ],
    ],
  },
  {
    name: 'after a reconnect the log goes on where the worker is, not where the master is',
    file: 'master/src/workers/reconciliation.ts',
    edits: [
      [
        "return [{ do: 'continue', row, held, offset }];",
        "return [{ do: 'continue', row, held, offset: held.endOffset }];",
      ],
    ],
  },
  {
    name: 'a restart shows the schedulers what they have seen',
    file: 'master/src/changes/changes.ts',
    edits: [["    this.#core.db.update('changes', { id }, { scheduled: 1 });\n", '']],
  },
];
