import { setTimeout as elapse } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import type { SeenPage } from './browser.ts';
import { type Desk, openDesk } from './desk.ts';

const VIEWS = [
  '/',
  '/?view=table',
  '/console',
  '/builders',
  '/builders/fails',
  '/builds/1',
  '/queue',
  '/workers',
].concat(['/locks', '/schedulers', '/changes', '/requests/1', '/about']);
/** The browser's words for what the troubles below bring about. */
const CUT =
  /ERR_(INTERNET_DISCONNECTED|CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)/;
/** Thirteen pages on a machine that is busy: a failure, never a measure. */
const LIMIT_MS = 240_000;
/** Longest time for something to be seen on all of them. */
const PATIENCE_MS = 60_000;
/** The network is away for so long; longer than a page waits between two tries. */
const AWAY_MS = 30_000;

describe('pages that are left open', () => {
  const ground = groundOfFile();
  let desk: Desk;
  const pages: SeenPage[] = [];
  beforeAll(async () => {
    desk = await openDesk(ground);
    await desk.master.api.finished(await desk.master.api.force('fails'));
    // One by one: each costs a process.
    for (const view of VIEWS) pages.push(await desk.open(view, { expects: CUT }));
    for (const { page } of pages) {
      await page.locator('[data-live=live]').waitFor();
      await page.evaluate("document.documentElement.dataset.notReloaded = 'yes'");
    }
  }, LIMIT_MS);

  const each = (work: (page: Page) => Promise<unknown>) => Promise.all(pages.map(({ page }) => work(page)));
  const areLive = () => each((page) => page.locator('[data-live=live]').waitFor({ timeout: PATIENCE_MS }));
  const tellCut = () => each((page) => page.locator('[data-live=reconnecting]').waitFor({ timeout: PATIENCE_MS }));

  test('go on after the network was away for half a minute', { timeout: LIMIT_MS }, async () => {
    await each((page) => page.context().setOffline(true));
    const ended = happen('while away');
    await tellCut();
    await each((page) => page.locator('[data-stale]').getByText('Not live.').waitFor());
    await Promise.all([ended, elapse(AWAY_MS)]);
    await each((page) => page.context().setOffline(false));
    await areLive();
    await areAsFresh();
  });

  test('go on after the machine that they are on has slept', { timeout: LIMIT_MS }, async () => {
    const sessions = await Promise.all(pages.map(({ page }) => page.context().newCDPSession(page)));
    const sleep = (state: 'frozen' | 'active') =>
      Promise.all(sessions.map((session) => session.send('Page.setWebLifecycleState', { state })));
    await sleep('frozen');
    await happen('while asleep');
    await sleep('active');
    await areLive();
    await areAsFresh();
  });

  test('go on after the master was killed and is back', { timeout: LIMIT_MS }, async () => {
    await desk.master.kill();
    await tellCut();
    await desk.master.startAgain();
    await Promise.all(['wide', 'narrow'].map((name) => desk.master.api.connected(name)));
    await happen('after the restart');
    await areLive();
    await areAsFresh();
    for (const { complaints } of pages) expect(complaints).toEqual([]);
  });

  /** Something for every view: a build that ends, a request that waits, a change, a scheduler that is switched. */
  async function happen(message: string): Promise<void> {
    const { api } = desk.master;
    const change = { repository: 'tools.git', branch: 'main', author: 'Ada <ada@example.org>', message };
    await api.ask('POST', '/api/v1/changes', change);
    await api.force('single');
    await api.finished(await api.force('fails'));
    const { schedulers } = await api.snapshot();
    const enabled = schedulers.find(({ name }) => name === 'nightly')?.enabled !== true;
    await api.ask('POST', '/api/v1/schedulers/nightly/enable', { enabled });
  }

  async function areAsFresh(): Promise<void> {
    const { page: fresh, complaints } = await desk.open('/');
    for (const [i, view] of VIEWS.entries()) {
      const left = pages[i]?.page;
      if (left === undefined) throw new Error(`no page was opened at ${view}`);
      await fresh.goto(`${desk.master.url}${view}`);
      await fresh.locator('[data-live=live]').waitFor();
      // What a view asks for beside the stream comes a little later.
      await expect
        .poll(async () => difference(await told(left), await told(fresh)), { timeout: PATIENCE_MS, message: view })
        .toEqual([]);
      expect(await left.locator('html').getAttribute('data-not-reloaded')).toBe('yes');
    }
    expect(complaints).toEqual([]);
    await fresh.context().close();
  }
});

/** Times and lengths hang on the moment, and with them which step of a block has room for its name. */
const MOMENTARY = 'time, .num, .band, .block-most, .ghost, .side, .unseen';
const LENGTHS = /\d+ (ms|s|m|h|d)( \d+( [smh])?)?/g;

/** What a view tells, element by element: its words and its states. */
function told(page: Page): Promise<string[]> {
  return page.locator('main').evaluate(
    (main, { momentary, lengths }) =>
      [...main.querySelectorAll('*')]
        .filter((one) => one.closest(momentary) === null)
        .map((one) => {
          const words = [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent);
          const states = ['state', 'result', 'look'].map((name) => one.getAttribute(`data-${name}`) ?? '');
          const text = words.join(' ').replace(new RegExp(lengths, 'g'), '…').trim();
          return [one.tagName, text, ...states].join(' ').trim();
        })
        .filter((line) => line.includes(' ')),
    { momentary: MOMENTARY, lengths: LENGTHS.source },
  );
}

/** Where two pages tell something else. */
function difference(left: readonly string[], fresh: readonly string[]): string[] {
  const most = Math.max(left.length, fresh.length);
  return Array.from({ length: most }, (_, i) => [left[i], fresh[i]]).flatMap(([was, is], i) =>
    was === is ? [] : [`${i}: "${was}", fresh: "${is}"`],
  );
}
