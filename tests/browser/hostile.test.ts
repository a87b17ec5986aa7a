import { join } from 'node:path';
import { buildSchema } from '@icefall/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestMaster } from '../support/master.ts';
import { groundOfFile } from '../support/vitest.ts';
import { TestBrowser } from './browser.ts';
import { HOSTILE } from './hostile.ts';

describe('hostile text', () => {
  const ground = groundOfFile();
  let master: TestMaster;
  let browser: TestBrowser;
  beforeAll(async () => {
    [master, browser] = await Promise.all([
      TestMaster.start(ground, { site: join(import.meta.dirname, 'sites/hostile.ts') }),
      TestBrowser.start(ground),
    ]);
    await master.worker('bait');
  });

  test('in names, messages, properties, forms and logs is text on every view, and nothing more', async () => {
    const change = {
      // With control characters it is no address, and refused.
      repository: HOSTILE.replace(/\p{Cc}/gu, ''),
      branch: 'main',
      author: HOSTILE,
      message: HOSTILE,
      files: [HOSTILE],
      link: 'javascript:ran()',
    };
    expect((await master.api.ask('POST', '/api/v1/changes', { ...change, repository: HOSTILE })).status).toBe(422);
    expect((await master.api.ask('POST', '/api/v1/changes', change)).status).toBeLessThan(300);
    const buildset = await master.api.force('victim', { reason: HOSTILE, owner: HOSTILE.slice(0, 190) });
    await master.api.finished(buildset);
    const build = await master.api.get('/builders/victim/builds/1', buildSchema);
    const logs = build.steps.flatMap((step) => step.logs.map(({ id }) => `/logs/${id}`));
    expect(logs.length).toBeGreaterThan(0);
    const views = ['/', '/?view=table', '/console', '/builders', '/builders/victim', `/builds/${build.id}`, ...logs];
    const { page, complaints } = await browser.open(master.url);
    await page.exposeFunction('ran', () => complaints.push('a script ran'));
    for (const path of [
      ...views,
      `/requests/${build.requestId}`,
      '/changes',
      '/changes/1',
      '/schedulers',
      '/locks',
      '/workers',
      '/queue',
      '/about',
    ]) {
      await page.goto(`${master.url}${path}`);
      await page.locator('main[data-page]:not([data-page=loading])').waitFor();
      await page
        .locator('main')
        .getByText(/victim|onerror|trap|bait|No request|Icefall/)
        .filter({ visible: true })
        .first()
        .waitFor();
      const own = await page.locator('main :is(script, img, iframe, object)').count();
      const links = await page.locator('a[href^="javascript:" i]').count();
      const turned = await page.locator('main').evaluate((main) => /[\u202a-\u202e]/.test(main.textContent ?? ''));
      expect([path, own, links, turned]).toEqual([path, 0, 0, false]);
    }
    await page.goto(master.url);
    await page.getByRole('button', { name: 'Force victim' }).click();
    await page.getByRole('dialog').getByText('<script>').first().waitFor();
    expect(complaints).toEqual([]);
  });

  test('of a log shows colours, and no other control of a terminal', async () => {
    await master.api.finished(await master.api.force('victim'));
    const { steps } = await master.api.get('/builders/victim/builds/1', buildSchema);
    const { page, complaints } = await browser.open(`${master.url}/logs/${steps.flatMap(({ logs }) => logs)[0]?.id}`);
    const lines = page.locator('.line[data-stream=stdout] .line-text');
    await lines.getByText('end').waitFor();
    expect(await lines.nth(1).textContent()).toBe('click');
    expect(await lines.nth(2).textContent()).toBe('end');
    expect(await lines.locator('a').count()).toBe(0);
    expect(await page.title()).not.toBe('title');
    expect(complaints).toEqual([]);
  });
});
