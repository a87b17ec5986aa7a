import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { type Desk, openDesk } from './desk.ts';

describe('a page that is left open', () => {
  const ground = groundOfFile();
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk(ground);
  });

  test('shows on the waterfall what begins, goes on and ends, without a reload', async () => {
    const talk = desk.dictate('talk');
    const { page, complaints } = await desk.open('/');
    await page.evaluate("document.documentElement.dataset.notReloaded = 'yes'");
    const buildset = await desk.master.api.force('talker');
    const block = page.locator('article[data-builder=talker]');
    await block.and(page.locator('[data-look=RUNNING]')).waitFor();
    await block.locator('[data-step=talk][data-state=running]').waitFor();
    await page.locator('.head[data-builder=talker] [data-state=running]').waitFor();
    talk.end();
    await block.and(page.locator('[data-result=SUCCESS]')).waitFor();
    await block.locator('[data-step=after][data-result=SUCCESS]').waitFor();
    await desk.master.api.finished(buildset);
    const change = { repository: 'tools.git', branch: 'main', author: 'Ada <ada@example.org>', message: 'Mend it' };
    await desk.master.api.ask('POST', '/api/v1/changes', change);
    await page.locator('.changes [data-change-id]').getByText('Ada').waitFor();
    expect(await page.locator('html').getAttribute('data-not-reloaded')).toBe('yes');
    expect(complaints).toEqual([]);
  });

  test('is scaled, filtered and scrolled as its address says, and remembers it there', async () => {
    await desk.master.api.finished(await desk.master.api.force('fails'));
    const { page, complaints } = await desk.open('/');
    const columns = page.locator('section.column');
    const all = (await desk.master.api.snapshot()).builders.length;
    await expect.poll(() => columns.count()).toBe(all);
    await page.getByRole('button', { name: 'With builds' }).click();
    await page.waitForURL(/with=builds/);
    await page.locator('section.column[data-builder=seeker]').waitFor({ state: 'detached' });
    expect(await page.locator('section.column[data-builder=fails]').count()).toBe(1);
    for (const scale of ['linear', 'rows']) {
      await page.getByLabel('Scale of time').selectOption(scale);
      await page.waitForURL(new RegExp(`time=${scale}`));
      await page.locator('article[data-builder=fails]').waitFor();
    }
    await page.reload();
    await page.locator('article[data-builder=fails]').waitFor();
    expect(await page.getByLabel('Scale of time').inputValue()).toBe('rows');
    expect(await page.locator('section.column[data-builder=seeker]').count()).toBe(0);
    await page.getByLabel('Jump to a time').fill('2020-01-01T00:00');
    await page.locator('[data-page=waterfall] .foot').getByText('Nothing before').waitFor();
    await page.getByLabel('Result').selectOption('SUCCESS');
    await page.locator('article[data-builder=fails]').waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });

  test('tells that the master was killed, heals when it is back, and then shows what a fresh page shows', async () => {
    const { api } = desk.master;
    const talk = desk.dictate('talk');
    const running = await api.force('talker');
    const step = await api.stepOf(running, 'talk');
    const expects = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;
    const open = await desk.open('/', { expects });
    const log = await desk.open(`/logs/${await logOf(step.buildId)}`, { expects });
    await open.page.locator('[data-live=live]').waitFor();
    talk.say('before');
    await log.page.getByText('before', { exact: true }).waitFor();

    await desk.master.kill();
    await open.page.locator('[data-stale]').getByText('Not live.').waitFor();
    await open.page.locator('[data-live=reconnecting]').waitFor();
    await log.page.locator('[data-stale]').waitFor();
    talk.say('meanwhile');
    await desk.master.startAgain();
    await open.page.locator('[data-live=live]').waitFor();
    await open.page.locator('[data-stale]').waitFor({ state: 'detached' });
    await api.connected('wide');
    talk.say('after');
    await log.page.getByText('after', { exact: true }).waitFor();
    talk.end();
    expect((await api.finished(running)).result).toBe('SUCCESS');
    await api.finished(await api.force('fails'));
    await log.page.locator('main[data-state=complete]').waitFor();
    await open.page.locator('article[data-builder=fails][data-result=FAILURE]').waitFor();

    for (const seen of [open, log]) {
      const fresh = await desk.browser.open(seen.page.url());
      await fresh.page.locator('main[data-state=complete], article[data-builder=fails]').first().waitFor();
      expect(await shownOn(seen.page)).toEqual(await shownOn(fresh.page));
      expect([...seen.complaints, ...fresh.complaints]).toEqual([]);
    }
  });

  const logOf = (buildId: number) =>
    desk.master.api.waitFor(
      'the log',
      async () => (await desk.master.api.build(buildId)).steps[0]?.logs[0]?.id ?? null,
    );
});

/**
 * What a page tells, without what hangs on the moment and on the window: heights come from the time until now, and a band
 * that is too low for its label is bare.
 */
function shownOn(page: Page): Promise<unknown> {
  const told = ['look', 'request-id', 'change-id', 'line'].map((name) => `main [data-${name}]`).join();
  return page.locator(told).evaluateAll((all) => {
    const attributes = ['build-id', 'builder', 'step', 'state', 'result', 'look', 'request-id', 'change-id', 'line'];
    return all.map((one) => [
      one.classList[0],
      ...attributes.map((name) => one.getAttribute(`data-${name}`)),
      one.querySelector('.line-text')?.textContent,
    ]);
  });
}
