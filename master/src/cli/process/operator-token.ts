import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSecret } from '../../access/secrets.ts';

/** In the master's state folder. */
const OPERATOR_TOKEN_FILE = 'operator.token';

/**
 * A token that may do everything, for whoever may read the master's state: it is in a file there, new at each start. So
 * the first user and the first token can be made, and somebody who runs the machine is never locked out.
 */
export class OperatorToken {
  readonly text = newSecret();
  readonly #file: string;

  private constructor(directory: string) {
    this.#file = join(directory, OPERATOR_TOKEN_FILE);
    // Never there with the rights of a file that was left.
    rmSync(this.#file, { force: true });
    writeFileSync(this.#file, `${this.text}\n`, { mode: 0o600, flag: 'wx' });
    chmodSync(this.#file, 0o600);
  }

  static write(directory: string): OperatorToken {
    return new OperatorToken(directory);
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}
