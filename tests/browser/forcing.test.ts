import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { type Desk, openDesk } from './desk.ts';

describe('forcing builds on the page', () => {
  const ground = groundOfFile();
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk(ground);
  });

  test('a wrong value is told at its field; corrected, the build has the properties', async () => {
    const { page, complaints } = await desk.open('/');
    await page.getByRole('button', { name: 'Force parameters' }).click();
    const dialog = page.getByRole('dialog', { name: 'Force parameters' });
    await dialog.getByLabel('Version').fill('twelve');
    await dialog.getByLabel('Jobs').fill('1000');
    await dialog.getByRole('button', { name: 'Start it' }).click();
    await dialog.locator('[data-error=version]').waitFor();
    await dialog.locator('[data-error=jobs]').waitFor();
    expect(await dialog.getByLabel('Version').getAttribute('aria-invalid')).toBe('true');
    await dialog.locator('input[name=version]:focus').waitFor();
    await dialog.getByLabel('Version').fill('v12');
    await dialog.getByLabel('Jobs').fill('8');
    await dialog.getByLabel('Clean first').check();
    await dialog.getByLabel('Mode').selectOption('thorough');
    await dialog.getByLabel('Note').fill('two\nlines');
    await dialog.getByLabel('Reason').fill('to see it');
    await dialog.getByLabel('Your name').fill('Ada');
    await dialog.getByRole('button', { name: 'Start it' }).click();
    await dialog.waitFor({ state: 'detached' });
    const block = page.locator('article[data-builder=parameters][data-result=SUCCESS]');
    await block.getByRole('link').first().click();
    const value = (name: string) => page.locator(`[data-property="${name}"] code`).textContent();
    expect(await value('version')).toBe('v12');
    expect(await value('jobs')).toBe('8');
    expect(await value('clean')).toBe('true');
    expect(await value('mode')).toBe('thorough');
    expect(JSON.parse((await value('options')) ?? '')).toEqual({ note: 'two\nlines' });
    expect(await page.locator('[data-page=build] dl').first().textContent()).toMatch(/to see it.*Ada/s);
    expect(complaints).toEqual([]);
  });

  test('what the master refuses is told at its field', async () => {
    const { page, complaints } = await desk.open('/schedulers', { expects: /422/ });
    await page.getByRole('button', { name: 'Force parameters' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Version').fill('v1');
    await dialog.getByLabel('Your name').fill('n'.repeat(201));
    await dialog.getByRole('button', { name: 'Start it' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.locator('[data-field=owner] .bad').getByText('200').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });

  test('a failed build shows what failed and its log, and is built again with a click', async () => {
    const { page, complaints } = await desk.open('/');
    await desk.master.api.finished(await desk.master.api.force('fails'));
    await page.locator('article[data-builder=fails][data-result=FAILURE]').getByRole('link').first().click();
    const compile = page.locator('[data-step=compile]');
    await compile.getByRole('link', { name: 'main.c:3: error: no such thing', exact: true }).waitFor();
    expect(await compile.getAttribute('data-result')).toBe('FAILURE');
    expect(await page.locator('[data-step=prepare]').getAttribute('data-result')).toBe('SUCCESS');
    await page.getByRole('button', { name: 'Rebuild' }).click();
    await page.locator('[data-notice=good]').getByRole('link').click();
    await page.locator('dl[data-result=FAILURE]').waitFor();
    await page.locator('dl').getByRole('link', { name: 'fails #2' }).click();
    await page.locator('[data-page=build] [data-build-number="2"][data-result=FAILURE]').waitFor();
    await page.locator('[data-fails-since="1"]').getByText('2 failures in a row').waitFor();
    await page.keyboard.press('h');
    await page.locator('[data-page=build] [data-build-number="1"]').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a trigger step shows the builds it started, with their results', async () => {
    await desk.master.api.finished(await desk.master.api.force('parent'));
    const { page, complaints } = await desk.open('/builders/parent/builds/1');
    const triggered = page.locator('[data-step=children] .triggered').getByRole('link', { name: /child #1/ });
    await triggered.getByRole('img', { name: 'success' }).waitFor();
    await triggered.click();
    await page.locator('[data-page=build] [data-builder=child][data-result=SUCCESS]').waitFor();
    await page
      .locator('dl')
      .getByRole('link', { name: /parent #1/ })
      .waitFor();
    expect(complaints).toEqual([]);
  });

  test('the keyboard alone: help, filter, from build to build, into one, and to another view', async () => {
    const { page, complaints } = await desk.open('/');
    await page.locator('article[data-builder=fails]').first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('/');
    await page.keyboard.type('fails');
    await page.waitForURL(/name=fails/);
    expect(await page.locator('section.column').count()).toBe(1);
    const newest = page.locator('article[data-builder=fails] .block-title').first();
    await newest.focus();
    await page.keyboard.press('ArrowDown');
    await page.locator(':nth-match(article[data-builder=fails] .block-title, 2):focus').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('[data-page=build] [data-builder=fails][data-build-number="1"]').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.locator('[data-page=queue]').waitFor();
    await page.keyboard.press('Control+k');
    await page
      .getByRole('dialog')
      .getByRole('combobox')
      .or(page.getByRole('dialog').locator('input'))
      .first()
      .fill('seeker');
    await page.keyboard.press('Enter');
    await page.waitForURL(/builders\/seeker/);
    expect(complaints).toEqual([]);
  });
});
