import type { Change } from '@icefall/shared';
import { SourceState } from '../changes/source-state.ts';
import type { Core } from '../engine/core.ts';

/**
 * Pushes that bring a new pipeline, with their projects: they are built when it has been read, so that a push is built as
 * it says itself. Written in the turn that stores the push: a crash forgets none.
 */
export class HeldChanges {
  readonly #state: SourceState;
  /** Changes that are handed to the schedulers again, now. */
  readonly #released = new Set<number>();

  constructor(core: Core) {
    this.#state = new SourceState(core, 'projects:held');
  }

  /** Inside the turn that stores the change. */
  hold(change: Change, project: string): void {
    this.#state.set(String(change.id), project);
  }

  isReleased(change: Change): boolean {
    return this.#released.has(change.id);
  }

  /** Projects with pushes that wait for them. */
  projects(): Set<string> {
    return new Set(this.#state.all().values());
  }

  /** Hands the pushes of projects to `build`, oldest first. Inside a turn. */
  release(projects: ReadonlySet<string>, build: (changeId: number) => void): void {
    const held = [...this.#state.all()].filter(([, project]) => projects.has(project));
    const ids = held.map(([id]) => Number(id)).sort((a, b) => a - b);
    for (const id of ids) {
      this.#released.add(id);
      try {
        build(id);
      } finally {
        this.#released.delete(id);
      }
      this.#state.remove(String(id));
    }
  }
}
