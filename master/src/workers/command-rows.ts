import type { Command } from '@icefall/shared';
import type { NewCommand } from '../builds/command-port.ts';
import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { Transfer } from '../steps/step.ts';

/** A row of the table `commands`. */
export interface CommandRow {
  readonly id: number;
  readonly build_id: number;
  readonly step_number: number;
  readonly epoch: number;
  readonly worker: string;
  /** Of the worker that was first told; null: never sent. */
  readonly store_id: string | null;
  readonly state: 'queued' | 'sent' | 'started';
  readonly label: string;
  readonly command: string;
  readonly transfer: string | null;
  readonly patient: number;
  readonly pid: number | null;
  readonly interrupt_reason: string | null;
}

/** What of a command never changes, kept at hand since every frame of output asks for it. */
export interface CommandFacts {
  readonly commandId: number;
  readonly buildId: number;
  readonly stepNumber: number;
  readonly epoch: number;
  readonly worker: string;
  /** Names of the extra logs, in the order of their streams. */
  readonly logNames: readonly string[];
}

/** The statements of the table `commands`. */
export class CommandRows {
  readonly #core: Core;
  readonly #facts = new Map<number, CommandFacts>();

  constructor(core: Core) {
    this.#core = core;
    core.rolledBack.on(() => this.#facts.clear());
  }

  insert(command: NewCommand): CommandRow {
    const id = this.#core.db.insert('commands', {
      build_id: command.buildId,
      step_number: command.stepNumber,
      epoch: command.epoch,
      worker: command.worker,
      state: 'queued',
      label: command.label,
      command: toColumn(command.command),
      transfer: command.transfer === null ? null : toColumn(command.transfer),
      patient: command.patient ? 1 : 0,
    });
    const row = this.find(id);
    if (row === null) throw new Error(`assertion failed: command ${id} was inserted and is not there`);
    return row;
  }

  find(id: number): CommandRow | null {
    return this.#core.db.one<CommandRow>('SELECT * FROM commands WHERE id = ?', id);
  }

  ofStep(buildId: number, stepNumber: number): CommandRow[] {
    return this.#core.db.all<CommandRow>(
      'SELECT * FROM commands WHERE build_id = ? AND step_number = ? ORDER BY id',
      buildId,
      stepNumber,
    );
  }

  ofBuild(buildId: number): CommandRow[] {
    return this.#core.db.all<CommandRow>('SELECT * FROM commands WHERE build_id = ? ORDER BY id', buildId);
  }

  ofWorker(worker: string): CommandRow[] {
    return this.#core.db.all<CommandRow>('SELECT * FROM commands WHERE worker = ? ORDER BY id', worker);
  }

  update(id: number, values: Partial<Pick<CommandRow, 'state' | 'store_id' | 'pid' | 'interrupt_reason'>>): void {
    this.#core.db.update('commands', { id }, values);
  }

  delete(id: number): void {
    this.#core.db.run('DELETE FROM commands WHERE id = ?', id);
    this.#facts.delete(id);
  }

  facts(id: number): CommandFacts | null {
    const known = this.#facts.get(id);
    if (known !== undefined) return known;
    const row = this.find(id);
    if (row === null) return null;
    const facts = {
      ...{ commandId: id, buildId: row.build_id, stepNumber: row.step_number, epoch: row.epoch, worker: row.worker },
      logNames: logNames(fromColumn<Command>(row.command)),
    };
    this.#facts.set(id, facts);
    return facts;
  }
}

export function commandOf(row: CommandRow): Command {
  return fromColumn<Command>(row.command);
}

export function transferOf(row: CommandRow): Transfer | null {
  return row.transfer === null ? null : fromColumn<Transfer>(row.transfer);
}

function logNames(command: Command): string[] {
  return command.kind === 'shell' ? command.logFiles.map(({ name }) => name) : [];
}
