import type { DeclaredBuilder } from '@icefall/shared';
import { describeSite } from '../config/description.ts';
import { configurationOf } from '../engine/config-versions.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { propertiesFrom } from '../requests/buildsets.ts';
import type { BuildRow, BuildRows, StepRow } from './rows.ts';

/** Builds that the alarm names; the others are counted. */
const MOST_NAMED = 5;

/**
 * Builds that a restart has brought under another configuration than they began with: what is left of them is not as it
 * was. That is told, by a property of the build (`configuration_changed`) and by an alarm while any of them runs.
 */
export class PlanChanges {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #rows: BuildRows;
  /** In words, by build. */
  readonly #running = new Map<number, string>();

  constructor(core: Core, config: SiteConfig, rows: BuildRows) {
    this.#core = core;
    this.#config = config;
    this.#rows = rows;
  }

  /** Looks at a build that was found running when the master started. Inside a turn. */
  look(build: BuildRow): void {
    const steps = this.#changedSteps(build);
    if (steps.length === 0) return;
    const change = { from: build.config_version, to: this.#config.version, steps };
    this.#rows.setProperties(build, propertiesFrom('Restart of the master', { configuration_changed: change }));
    const names = steps.map((name) => `"${name}"`).join(', ');
    const text = `${build.builder} #${build.number} (began with ${change.from}, goes on with ${change.to}: ${names})`;
    this.#core.afterCommit(() => {
      this.#running.set(build.id, text);
      this.#tell();
    });
  }

  /** Inside the turn that ends a build. */
  ended(buildId: number): void {
    if (!this.#running.has(buildId)) return;
    this.#core.afterCommit(() => {
      this.#running.delete(buildId);
      this.#tell();
    });
  }

  #tell(): void {
    const told = [...this.#running.values()];
    if (told.length === 0) {
      this.#core.alarms.clear('configurationChanged');
      return;
    }
    const more = told.length > MOST_NAMED ? `, and ${told.length - MOST_NAMED} more` : '';
    this.#core.alarms.raise(
      'configurationChanged',
      'since a restart of the master, builds go on with another configuration than they began with: ' +
        `${told.slice(0, MOST_NAMED).join(', ')}${more}; stop them where that is wrong`,
    );
  }

  /** Names of the steps that have not ended and are declared otherwise than when the build began. */
  #changedSteps(build: BuildRow): string[] {
    const began = builderIn(configurationOf(this.#core, build.config_version)?.site.builders, build);
    const now = builderIn(describeSite(this.#config.site).builders, build);
    // Forgotten, or gone from the configuration, which ends the build.
    if (began === null || now === null) return [];
    const rows = this.#rows.steps(build.id);
    const isSameEnv = isSame(began.options.env, now.options.env);
    const declared = rows.filter(({ added_by }) => added_by === null);
    const isChanged = (row: StepRow): boolean => {
      if (!isSameEnv) return true;
      const adder = rows.find(({ number }) => number === row.added_by);
      // What an added step is like, the one that added it says.
      if (adder !== undefined) return isChanged(adder);
      const i = declared.indexOf(row);
      return !isSame(began.steps[i], now.steps[i]);
    };
    return rows.filter((row) => row.state !== 'finished' && isChanged(row)).map(({ name }) => name);
  }
}

function builderIn(builders: readonly DeclaredBuilder[] | undefined, { builder }: BuildRow): DeclaredBuilder | null {
  return builders?.find(({ name }) => name === builder) ?? null;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
