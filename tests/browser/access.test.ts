import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestMaster } from '../support/master.ts';
import { groundOfFile } from '../support/vitest.ts';
import { faultsOf, LOOKS } from './accessibility.ts';
import { TestBrowser } from './browser.ts';

const PASSWORD = 'correct horse battery';
/** The browser's words for an answer that the test brings about. */
const REFUSED = /status of 401|status of 403/;

describe('a site with people', () => {
  const ground = groundOfFile();
  let master: TestMaster;
  let browser: TestBrowser;
  beforeAll(async () => {
    const site = join(import.meta.dirname, 'sites/guarded.ts');
    [master, browser] = await Promise.all([TestMaster.start(ground, { site }), TestBrowser.start(ground)]);
    const operator = readFileSync(join(master.directory, 'master', 'operator.token'), 'utf8').trim();
    for (const [name, groups] of [
      ['ada', []],
      ['fay', ['writers']],
    ] as const) {
      const answer = await fetch(`${master.url}/api/v1/users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name, groups, password: PASSWORD }),
      });
      expect(answer.status).toBe(200);
    }
  });

  async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).last().click();
  }

  test('asks for a name and shows nothing before it, then what that person may view, and forgets them again', async () => {
    const { page, complaints } = await browser.open(`${master.url}/builders`, { expects: REFUSED });
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.content()).not.toContain('vault');
    await signIn(page, 'fay', 'wrong password');
    await page.getByRole('alert').getByText('the name or the password is wrong').waitFor();
    await signIn(page, 'fay');
    await page.locator('main[data-page=builders]').getByRole('link', { name: 'open', exact: true }).first().waitFor();
    expect(await page.content()).not.toContain('vault');
    await page.getByLabel('Signed in as fay').click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('greys out what a person may not do, with the reason, and leaves them what they may', async () => {
    const { page, complaints } = await browser.open(`${master.url}/workers`, { expects: REFUSED });
    await signIn(page, 'fay');
    const pause = page.getByRole('button', { name: 'Pause w1' });
    expect(await pause.isDisabled()).toBe(true);
    expect(await pause.getAttribute('title')).toContain('the permission “pauseWorker” is needed');
    await pause.click({ force: true });
    await page.locator('[data-notice=bad]').getByText('fay may not pause').waitFor();
    await page.getByRole('link', { name: 'Builders', exact: true }).click();
    await page.getByRole('button', { name: 'Force open' }).click();
    await page.getByRole('dialog').locator('button[type=submit]').click();
    await page.locator('[data-notice=good]').getByRole('link').click();
    // No worker is there, so the request waits; to take it back is another permission.
    const cancel = page.getByRole('button', { name: /^Cancel request/ });
    await cancel.waitFor();
    expect(await cancel.isDisabled()).toBe(true);
    await page.getByRole('link', { name: 'Schedulers' }).click();
    expect(await page.getByRole('switch', { name: 'force enabled' }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Force force' }).isDisabled()).toBe(false);
    expect(complaints).toEqual([]);
  });

  test('lets a person change what they may, and has it on record for who may read that', async () => {
    const { page, complaints } = await browser.open(`${master.url}/audit`, { expects: REFUSED });
    await signIn(page, 'ada');
    await page.getByRole('cell', { name: 'addUser user fay' }).waitFor();
    await page.getByRole('link', { name: 'Workers' }).click();
    await page.getByRole('button', { name: 'Pause w1' }).click();
    await page.getByRole('button', { name: 'Resume w1' }).waitFor();
    await page.goto(`${master.url}/audit`);
    await page.getByRole('row').filter({ hasText: 'pause worker w1' }).getByText('ada').waitFor();
    expect(complaints).toEqual([]);
  });

  test('shows who may administer what code hosts have sent, and reads it again for them', async () => {
    const send = (host: string, body: object) =>
      fetch(`${master.url}/hooks/${host}`, {
        method: 'POST',
        headers: { 'x-gitea-event': 'push', 'x-gitea-delivery': 'd1' },
        body: JSON.stringify(body),
      });
    const repository = { clone_url: 'https://git.example.org/scripts.git' };
    const push = { ref: 'refs/heads/main', after: 'a'.repeat(40), commits: [], repository };
    expect((await send('gitea', push)).status).toBe(200);
    expect((await send('github', push)).status).toBe(404);
    const { page, complaints } = await browser.open(`${master.url}/changes`, { expects: REFUSED });
    await signIn(page, 'ada');
    await page.getByRole('link', { name: 'What code hosts have sent' }).click();
    await page.getByRole('row').filter({ hasText: 'refused: the site takes no webhooks of github' }).waitFor();
    await page.getByRole('row').filter({ hasText: 'gitea' }).getByRole('link', { name: 'change 1' }).waitFor();
    await page.getByRole('button', { name: 'Read again: delivery 1' }).click();
    const again = page.getByRole('row').filter({ hasText: 'delivery 1 again' });
    await again.getByRole('link', { name: 'change 1' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('shows who may administer who is told of builds, and others not', async () => {
    const { page, complaints } = await browser.open(`${master.url}/about`, { expects: REFUSED });
    await signIn(page, 'ada');
    const told = page.getByRole('row').filter({ hasText: 'team mail' });
    expect(await told.locator('[data-label=Delivered]').textContent()).toBe('0');
    await page.getByLabel('Signed in as ada').click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await signIn(page, 'fay');
    await page.locator('main[data-page=about]').getByText('Running since').waitFor();
    expect(await told.count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  for (const { name, rules, options } of LOOKS)
    test(`is accessible and fits, from the sign-in to the records: ${name}`, async () => {
      const { page, complaints } = await browser.open(`${master.url}/audit`, { ...options, expects: REFUSED });
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      const found = [...(await faultsOf(page, rules))];
      await signIn(page, 'ada');
      await page.getByRole('cell', { name: 'addUser user fay' }).waitFor();
      for (const path of ['/audit', '/deliveries', '/about']) {
        await page.goto(`${master.url}${path}`);
        await page.locator('main').getByRole('row').nth(1).waitFor();
        found.push(...(await faultsOf(page, rules)).map((fault) => `${path}: ${fault}`));
      }
      expect(found).toEqual([]);
      expect(complaints).toEqual([]);
    });
});
