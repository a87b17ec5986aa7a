import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '@icefall/master/db/database';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeHistory } from '../bench/site/written-history.ts';
import { TestMaster } from '../support/master.ts';
import { groundOfFile } from '../support/vitest.ts';
import { TestBrowser } from './browser.ts';

const HOUR_MS = 3_600_000;
/** Three weeks, a build each hour: some times what the page fetches at once. */
const BUILDS = 480;
/** So far back lies what is gone to. */
const DAYS = 15;

describe('the past on the waterfall', () => {
  const ground = groundOfFile();
  let master: TestMaster;
  let browser: TestBrowser;
  beforeAll(async () => {
    const directory = ground.path('master');
    mkdirSync(join(directory, 'master'), { recursive: true });
    const db = openDatabase(join(directory, 'master', 'icefall.db'));
    writeHistory(db, { builds: BUILDS, builders: 2, now: Date.now() - HOUR_MS, everyMs: HOUR_MS });
    db.close();
    const site = join(import.meta.dirname, 'sites/past.ts');
    [master, browser] = await Promise.all([TestMaster.start(ground, { site, directory }), TestBrowser.start(ground)]);
  });

  const newest = (page: Page) => page.locator(`article[data-build-id="${BUILDS}"]`);
  const leftOut = (page: Page) => page.locator('.fold').getByText(/^left out \d+ d/);
  /** Scrolls a little, and gives the ids of builds that are drawn then. */
  const scrolled = (page: Page, pixels: number): Promise<number[]> =>
    page.locator('.scroller').evaluate((element, by) => {
      element.scrollTop += by;
      return [...element.querySelectorAll('article[data-build-id]')].map((block) =>
        Number(block.getAttribute('data-build-id')),
      );
    }, pixels);
  /** Scrolls until all builds of a range have been drawn. */
  async function seeAll(page: Page, pixels: number, [first, last]: readonly [number, number]): Promise<void> {
    const missing = new Set(Array.from({ length: last - first + 1 }, (_, i) => first + i));
    await expect
      .poll(
        async () => {
          for (const id of await scrolled(page, pixels)) missing.delete(id);
          return missing.size;
        },
        { timeout: 60_000, interval: 30 },
      )
      .toBe(0);
  }
  async function goBack(page: Page): Promise<number> {
    const time = new Date(Date.now() - DAYS * 24 * HOUR_MS);
    const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    await page.getByLabel('Jump to a time').fill(local);
    const there = BUILDS - DAYS * 24;
    await page.locator(`article[data-build-id="${there}"]`).waitFor();
    return there;
  }

  test('is fetched as it is scrolled to, down to the first build', async () => {
    const { page, complaints } = await browser.open(`${master.url}/?time=rows`);
    await newest(page).waitFor();
    await seeAll(page, 600, [1, BUILDS]);
    await page.getByText('Nothing before').waitFor();
    expect(complaints).toEqual([]);
  });

  test('between now and a time gone to is left out, which is said, and fetched from whichever side one comes', async () => {
    const { page, complaints } = await browser.open(`${master.url}/?time=rows`);
    await newest(page).waitFor();
    const { promise: isWanted, resolve: letCome } = Promise.withResolvers<void>();
    await page.route(/\/builds\?.*after=/, async (route) => {
      await isWanted;
      await route.continue();
    });
    const there = await goBack(page);
    await expect
      .poll(async () => {
        await scrolled(page, -100);
        return leftOut(page).count();
      })
      .toBe(1);
    letCome();
    await leftOut(page).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Now', exact: true }).click();
    await seeAll(page, 400, [there, BUILDS]);

    await page.reload();
    await newest(page).waitFor();
    await goBack(page);
    await page.getByRole('button', { name: 'Now', exact: true }).click();
    await newest(page).waitFor();
    await seeAll(page, 400, [there, BUILDS]);
    expect(await leftOut(page).count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});
