import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { type Desk, openDesk } from './desk.ts';

/** One site for a look at each thing that no other file is about; the order of the tests does not matter. */
describe('a tour of the page', () => {
  const ground = groundOfFile();
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk(ground);
    const { api } = desk.master;
    const change = {
      ...{ repository: 'tools.git', branch: 'main', revision: 'c0ffee'.padEnd(40, '0') },
      ...{ author: 'Ada <ada@example.org>', message: 'Mend the tools' },
    };
    await api.ask('POST', '/api/v1/changes', change);
    await api.finished(await api.force('parent'));
    await api.finished(await api.force('fails'));
  });

  test('the waterfall draws a line from a build to those that it triggered, and a card of the one that is pointed at', async () => {
    const { page, complaints } = await desk.open('/');
    await page.locator('.links path').first().waitFor({ state: 'attached' });
    await page.locator('article[data-builder=parent]').hover();
    await page.locator('.card').getByText('parent #1').waitFor();
    await page.locator('article[data-builder=child].marked').waitFor();
    await page.locator('article[data-builder=child] .block-title').click();
    await page.locator('.build[data-builder=child]').waitFor();
    await page.locator('dl').getByRole('link', { name: 'parent #1' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('a form tells what it will start and what holds it up now, and remembers what was filled in', async () => {
    const { api } = desk.master;
    const keep = desk.dictate('keep');
    await api.stepOf(await api.force('keeper'), 'keep');
    const { page, complaints } = await desk.open('/');
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Force seeker' }).click();
    await dialog
      .locator('[data-preview]')
      .getByText(/step seek waits for lock tree \(exclusive\), held by keeper #1 \(keep\)/)
      .waitFor();
    await page.keyboard.press('Escape');
    keep.end();
    const fill = async (version: string) => {
      await page.getByRole('button', { name: 'Force parameters' }).click();
      expect(await dialog.getByLabel('Version').inputValue()).toBe(version);
    };
    await fill('');
    await dialog.locator('[data-preview]').getByText('The form is not complete yet').waitFor();
    await dialog.getByLabel('Version').fill('v7');
    await dialog.locator('[data-preview]').getByText('starts at once').waitFor();
    await dialog.getByRole('button', { name: 'Start it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await fill('v7');
    expect(complaints).toEqual([]);
  });

  test('console and grid show what became of each thing that was built, and lead to it', async () => {
    const { page, complaints } = await desk.open('/console');
    await page.locator('tr[data-change-id]').getByText('Mend the tools').waitFor();
    await page.getByRole('link', { name: 'By source' }).click();
    const cell = page.locator('tr[data-builder=fails] .console-cell[data-result=FAILURE]');
    await cell.click();
    await page.locator('.build[data-builder=fails]').waitFor();
    expect(complaints).toEqual([]);
  });

  test('builders are found by some letters, and have a bar for each of their last builds', async () => {
    const { page, complaints } = await desk.open('/builders');
    await page.locator('tr[data-builder=seeker]').waitFor();
    await page.getByRole('searchbox').fill('fail');
    await page.locator('tr[data-builder=seeker]').waitFor({ state: 'detached' });
    await page.locator('tr[data-builder=fails] .sparks a[data-result=FAILURE]').first().waitFor();
    await page.waitForURL(/name=fail/);
    expect(complaints).toEqual([]);
  });

  test('a scheduler is run now; the tab of what it started tells how that stands', async () => {
    const { page, complaints } = await desk.open('/schedulers');
    await page.getByRole('button', { name: 'Run now: nightly' }).click();
    await page.locator('[data-notice=good]').getByRole('link').click();
    await page.locator('dl[data-result=FAILURE]').waitFor();
    await page
      .getByRole('definition')
      .getByRole('link', { name: /fails #/ })
      .click();
    await expect.poll(() => page.title()).toMatch(/^✗ fails #\d+ · Desk$/);
    await expect.poll(() => page.locator('link[rel=icon]').getAttribute('href')).toMatch(/^data:image\/svg/);
    await page.getByRole('link', { name: 'Waterfall' }).click();
    await expect.poll(() => page.locator('link[rel=icon]').getAttribute('href')).toBe('/icefall.svg');
    expect(complaints).toEqual([]);
  });

  test('a change tells its author, its files, and what was built', async () => {
    const { page, complaints } = await desk.open('/changes');
    await page.getByRole('link', { name: 'c0ffee00' }).click();
    await page.getByRole('heading', { name: 'Mend the tools' }).waitFor();
    await page.locator('[data-page=change]').getByText('Ada <ada@example.org>').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a log shows times, wraps, is had as text, and alone on the screen', async () => {
    const step = (await desk.master.api.snapshot()).builds.find(({ builder }) => builder === 'fails')?.steps[1];
    const { page, complaints } = await desk.open(`/logs/${step?.logs[0]?.id}`);
    const line = page.locator('.line.stderr').filter({ hasText: 'main.c:3: error' });
    await line.waitFor();
    await page.keyboard.press('t');
    expect(await line.locator('.line-time').getAttribute('data-time')).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
    await page.keyboard.press('w');
    await page.locator('.log-rows.wrap').waitFor();
    await page.keyboard.press('e');
    await page.locator('.line.marked').getByText('no such thing').waitFor();
    await page.keyboard.press('f');
    await page.locator('main.log:fullscreen').waitFor();
    const raw = await page.getByRole('link', { name: 'Raw' }).getAttribute('href');
    expect(await (await fetch(`${desk.master.url}${raw}`)).text()).toContain('main.c:3: error: no such thing\n');
    expect(complaints).toEqual([]);
  });

  test('the search is a button, too, and leads to workers, locks and views by their names', async () => {
    const { page, complaints } = await desk.open('/', { width: 390, height: 844, phone: true });
    for (const [words, lead] of [
      ['narrow', /workers#worker-narrow/],
      ['tree lock', /locks#lock-tree/],
      ['schedulers page', /schedulers$/],
    ] as const) {
      await page.getByRole('button', { name: 'Search' }).click();
      await page
        .getByRole('dialog')
        .getByRole('searchbox')
        .fill(words.split(' ')[0] ?? '');
      await page.getByRole('dialog').getByRole('option').first().waitFor();
      await page.keyboard.press('Enter');
      await page.waitForURL(lead);
    }
    expect(complaints).toEqual([]);
  });
});
