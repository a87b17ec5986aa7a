import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, writeWhole } from './files.ts';

/** One line of what Git tells a hook: a reference was moved. */
export interface RefUpdate {
  readonly from: string;
  readonly to: string;
  readonly ref: string;
}

/** What each reference's last push was, so that a push told again is known from the same movement made again. */
export class RefMemory {
  readonly #state: string;

  constructor(state: string) {
    this.#state = state;
  }

  /**
   * The id of a push. Told again, it is the same; a branch that was moved on, back, and on again was pushed three times.
   */
  deliveryId(repository: string, { from, to, ref }: RefUpdate, push: string): string {
    const last = readIfThere(this.#file(ref));
    const [lastFrom, lastTo, lastPush] = (last ?? '').split(' ');
    const isAgain = lastFrom === from && lastTo === to;
    if (!isAgain) writeWhole(this.#file(ref), `${from} ${to} ${push}`);
    return digest([repository, ref, from, to, isAgain ? (lastPush ?? push) : push].join('\0'));
  }

  /** The reference was deleted. */
  forget(ref: string): void {
    rmSync(this.#file(ref), { force: true });
  }

  #file(ref: string): string {
    return join(this.#state, 'refs', digest(ref));
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
