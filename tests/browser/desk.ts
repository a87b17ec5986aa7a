import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestGround } from '../support/ground.ts';
import { TestMaster } from '../support/master.ts';
import { type PageOptions, type SeenPage, TestBrowser } from './browser.ts';
import { Dictation } from './dictation.ts';

/** A master with its workers, and a browser to look at it. */
export interface Desk {
  readonly master: TestMaster;
  readonly browser: TestBrowser;
  /** Opens a view by its path. */
  open(path: string, options?: PageOptions): Promise<SeenPage>;
  /** The output of the step with this name, from now on. */
  dictate(step: 'talk' | 'keep' | 'sit'): Dictation;
}

/** Starts the site of sites/desk.ts. */
export async function openDesk(ground: TestGround): Promise<Desk> {
  const pipes = ground.path('pipes');
  mkdirSync(pipes);
  const site = join(import.meta.dirname, 'sites/desk.ts');
  const [master, browser] = await Promise.all([
    TestMaster.start(ground, { site, env: { PIPES: pipes } }),
    TestBrowser.start(ground),
  ]);
  await Promise.all(['wide', 'narrow'].map((name) => master.worker(name)));
  const dictations = new Map<string, Dictation>();
  return {
    master,
    browser,
    open: (path, options) => browser.open(`${master.url}${path}`, options),
    dictate(step) {
      const dictation = dictations.get(step) ?? new Dictation(ground, join(pipes, step));
      dictations.set(step, dictation);
      return dictation;
    },
  };
}
