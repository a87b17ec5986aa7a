import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { faultsOf, LOOKS } from './accessibility.ts';
import { type Desk, openDesk } from './desk.ts';

describe('every view', () => {
  const ground = groundOfFile();
  let desk: Desk;
  let views: string[];
  beforeAll(async () => {
    desk = await openDesk(ground);
    const { api } = desk.master;
    const change = {
      repository: 'tools.git',
      branch: 'main',
      revision: 'a'.repeat(40),
      author: 'Ada <ada@example.org>',
      message: 'Mend it',
    };
    await api.ask('POST', '/api/v1/changes', change);
    await api.finished(await api.force('parent'));
    await api.finished(await api.force('fails'));
    // One build runs and holds the lock, others wait for it.
    desk.dictate('keep').say('kept');
    const kept = await api.force('keeper');
    const step = await api.stepOf(kept, 'keep');
    await api.line(step, /kept/);
    const shut = await api.force('blocked');
    await api.force('seeker');
    const [failed] = (await api.snapshot()).builds.filter(({ builder }) => builder === 'fails');
    const log = failed?.steps.at(-1)?.logs[0]?.id;
    views = [
      '/',
      '/?view=table',
      '/console',
      '/grid',
      '/builders',
      '/builders/fails',
      `/builds/${failed?.id}`,
      `/builds/${step.buildId}`,
    ];
    views.push(
      `/logs/${log}`,
      `/logs/${log}#L2`,
      `/requests/${shut.requestIds[0]}`,
      '/queue',
      '/workers',
      '/locks',
      '/schedulers',
    );
    views.push('/?wall=1', '/changes', '/changes/1', '/projects', '/about', '/nowhere');
  });

  for (const { name, rules, options } of LOOKS)
    test(`is accessible, fits, and gives the browser nothing to complain of: ${name}`, async () => {
      const { page, complaints } = await desk.open('/', options);
      const found: string[] = [];
      for (const path of views) {
        await page.goto(`${desk.master.url}${path}`);
        await page.locator('main[data-page]:not([data-page=loading])').waitFor();
        await page.locator('[data-live=live]').first().waitFor({ state: 'attached' });
        await page.getByText('Loading …').waitFor({ state: 'detached' });
        found.push(...(await faultsOf(page, rules)).map((fault) => `${path}: ${fault}`));
      }
      await page.goto(desk.master.url);
      for (const [key, dialog] of [
        ['?', 'Keys'],
        ['f', 'Force a build'],
      ] as const) {
        await page.locator('main[data-page=waterfall]').waitFor();
        await page.keyboard.press(key);
        await page.getByRole('dialog', { name: dialog }).waitFor();
        found.push(...(await faultsOf(page, rules)).map((fault) => `dialog ${dialog}: ${fault}`));
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      }
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog').waitFor();
      found.push(...(await faultsOf(page, rules)).map((fault) => `palette: ${fault}`));
      expect(found).toEqual([]);
      expect(complaints).toEqual([]);
    });
});
