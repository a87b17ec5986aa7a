import type { Core } from '../engine/core.ts';

/** What one source of change remembers: values by key. Written inside the turn that makes a change of it. */
export class SourceState {
  readonly #core: Core;
  readonly #source: string;

  constructor(core: Core, source: string) {
    this.#core = core;
    this.#source = source;
  }

  all(): Map<string, string> {
    const rows = this.#core.db.all<{ key: string; value: string }>(
      'SELECT key, value FROM source_state WHERE source = ?',
      this.#source,
    );
    return new Map(rows.map((row) => [row.key, row.value]));
  }

  set(key: string, value: string): void {
    this.#core.db.run(
      `INSERT INTO source_state (source, key, value) VALUES (?, ?, ?)
       ON CONFLICT (source, key) DO UPDATE SET value = excluded.value`,
      this.#source,
      key,
      value,
    );
  }

  remove(key: string): void {
    this.#core.db.run('DELETE FROM source_state WHERE source = ? AND key = ?', this.#source, key);
  }

  clear(): void {
    this.#core.db.run('DELETE FROM source_state WHERE source = ?', this.#source);
  }
}
