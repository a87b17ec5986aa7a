import { join } from 'node:path';
import { projectSchema } from '@icefall/shared';
import { expect, test } from 'vitest';
import { TestMaster } from '../support/master.ts';
import { TestRepository } from '../support/repository.ts';
import { groundOfFile } from '../support/vitest.ts';
import { TestBrowser } from './browser.ts';

const pipeline = (platform: string) => `version: 1\nplatforms: [${platform}]\nsteps:\n  - run: 'true'\n`;
const ground = groundOfFile();

test('projects say what was read of them and what is wrong, and are read again when somebody has mended it', async () => {
  const good = new TestRepository(ground, { 'icefall.yml': pipeline('debian12') }, 'good');
  const broken = new TestRepository(ground, { 'icefall.yml': pipeline('beos') }, 'broken');
  const [master, browser] = await Promise.all([
    TestMaster.start(ground, {
      site: join(import.meta.dirname, 'sites/projects.ts'),
      env: { GOOD: good.bare, BROKEN: broken.bare },
    }),
    TestBrowser.start(ground),
  ]);
  const { page, complaints } = await browser.open(`${master.url}/builders`);
  await page.getByRole('main').getByRole('link', { name: 'Projects' }).click();
  const widgets = page.locator('tr[data-project=widgets]');
  const gears = page.locator('tr[data-project=gears]');
  await widgets.and(page.locator('[data-state=ok]')).getByRole('link', { name: 'widgets-debian12' }).waitFor();
  await gears.and(page.locator('[data-state=broken]')).getByText('icefall.yml:2: unknown platform "beos"').waitFor();
  await page.getByText('1 of 2 are broken').waitFor();
  // Nothing else that the page shows changes with it.
  const revision = good.push({ 'icefall.yml': `${pipeline('debian12')}  - run: 'false'\n` });
  await master.api.post('/projects/widgets/read', {}, projectSchema);
  await widgets.getByText(revision.slice(0, 8)).waitFor();
  broken.push({ 'icefall.yml': pipeline('debian12') });
  await page.getByRole('button', { name: 'Read now: gears' }).click();
  await gears.and(page.locator('[data-state=ok]')).getByRole('link', { name: 'gears-debian12' }).click();
  await page.getByRole('heading', { name: 'gears-debian12' }).waitFor();
  expect(complaints).toEqual([]);
});
