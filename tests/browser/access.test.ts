import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestMaster } from '../support/master.ts';
import { groundOfFile } from '../support/vitest.ts';
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
});
