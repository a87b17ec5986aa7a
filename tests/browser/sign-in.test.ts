import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLIENT_SECRET, OpenIdProvider } from '../access/openid-provider.ts';
import { freePorts } from '../support/ports.ts';
import { TestProcess } from '../support/process.ts';
import { PROGRAMS } from '../support/programs.ts';
import { groundOfTest } from '../support/vitest.ts';
import { TestBrowser } from './browser.ts';

/** The browser's words for refusals that the test brings about, and for the fonts that the provider's forms name. */
const NOT_LOADED = /^Failed to load resource/;
const GRACE = { preferred_username: 'grace', groups: ['navy'] };

describe('a page whose people sign in elsewhere', () => {
  test('sends them there and takes them back to where they were, gives them a token, and signs them out there, too', async () => {
    const ground = groundOfTest();
    const [port = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const provider = await OpenIdProvider.start(ground, url, { grace: GRACE });
    const site = join(import.meta.dirname, 'sites/sso.ts');
    const ports = ['--port', String(port), '--worker-port', '0', '--json-log'];
    const master = TestProcess.start(ground, {
      name: 'master',
      command: [...PROGRAMS.icefall, 'start', ground.path('master'), '--config', site, ...ports],
      env: { SITE_URL: url, ISSUER: provider.issuer, SSO_SECRET: CLIENT_SECRET },
    });
    await master.wrote(/"msg":"runs"/);
    const browser = await TestBrowser.start(ground);
    const { page, complaints } = await browser.open(`${url}/builders`, { expects: NOT_LOADED });

    const button = page.getByRole('link', { name: 'Sign in with Example' });
    await button.click();
    await page.getByRole('link', { name: /cancel/i }).click();
    await page.getByRole('alert').getByText('The sign-in was called off.').waitFor();
    await page.goto(`${url}/builders`);
    await button.click();
    await page.getByPlaceholder(/login/i).fill('grace');
    await page.getByPlaceholder(/password/i).fill('any');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.locator('main[data-page=builders]').getByRole('link', { name: 'open', exact: true }).first().waitFor();
    expect(page.url()).toBe(`${url}/builders`);

    await page.getByLabel('Signed in as sso:grace').click();
    await page.getByRole('button', { name: 'Token for the command line' }).click();
    const token = await page.getByLabel('Token', { exact: true }).inputValue();
    const answer = await fetch(`${url}/api/v1/session`, { headers: { authorization: `Bearer ${token}` } });
    expect(await answer.json()).toMatchObject({ kind: 'token', name: 'sso:grace' });
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(`${provider.issuer}/**`);
    expect(complaints).toEqual([]);
  });
});
