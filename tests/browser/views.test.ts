import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { AXE } from './browser.ts';
import { type Desk, openDesk } from './desk.ts';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const COLOURS = ['color-contrast', 'link-in-text-block'];

/** What people have: a desktop and a phone, by day and by night. By night only the colours differ. */
const LOOKS = [
  { name: 'a desktop in light', rules: RULES, options: {} },
  { name: 'a desktop in dark', rules: COLOURS, options: { dark: true } },
  { name: 'a phone in light', rules: RULES, options: { width: 390, height: 844, phone: true } },
  { name: 'a phone in dark', rules: COLOURS, options: { width: 390, height: 844, phone: true, dark: true } },
] as const;

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

/** Lines of logs are denser than targets should be; the log's page has a field for the number of a line. */
const LINE_LINK = /href="[^"]*#L\d+"/;

/** Violations that axe-core finds, and a page that is wider than its window. */
async function faultsOf(page: Page, rules: readonly string[]): Promise<string[]> {
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const results = await page.evaluate(async (only): Promise<AxeResults> => {
    const { axe } = globalThis as typeof globalThis & { axe: { run(options: object): Promise<AxeResults> } };
    return axe.run({
      resultTypes: ['violations'],
      runOnly: [...only],
    });
  }, rules);
  const faults = results.violations.flatMap(({ id, nodes }) =>
    nodes
      .filter(({ html }) => id !== 'target-size' || !LINE_LINK.test(html))
      .map((node) => `${id}: ${node.target.join(' ')} ${node.any[0]?.message ?? node.all[0]?.message ?? ''}`),
  );
  const wide = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'));
  return wide > 0 ? [...faults, `${wide} pixels wider than the window`] : faults;
}
