import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { TestGround } from '../support/ground.ts';

const PROJECT = resolve(import.meta.dirname, '..', '..');
/** Names that Chromium goes by; the set-up installs the first. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Longest wait for something to be seen: a failure, never a measure. */
const LIMIT_MS = 20_000;

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  /** A phone: touch, and its density of pixels. */
  readonly phone?: boolean;
  /** Failed loads that the test brings about, such as a refused form; by the browser's words. */
  readonly expects?: RegExp;
}

/** A page that somebody looks at, with everything that the browser complained of. */
export interface SeenPage {
  readonly page: Page;
  /** Errors of the console, exceptions that nobody caught, violations of the security policy. */
  readonly complaints: string[];
}

/** Chromium in a process of its own; ended with its ground. */
export class TestBrowser {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(ground: TestGround): Promise<TestBrowser> {
    buildPage();
    const browser = await chromium.launch({
      executablePath: findChromium(),
      // Tests may run as root, where Chromium's sandbox does not; small machines give containers little shared memory.
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    });
    ground.atEnd(() => browser.close());
    return new TestBrowser(browser);
  }

  /** Opens an address with nothing remembered from before. */
  async open(url: string, options: PageOptions = {}): Promise<SeenPage> {
    const { width = 1280, height = 800, dark = false, phone = false } = options;
    const context = await this.#browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      locale: 'en-GB',
      reducedMotion: 'reduce',
      ...(phone ? { hasTouch: true, isMobile: true, deviceScaleFactor: 2 } : {}),
    });
    const page = await newPage(context);
    const complaints = listen(page, options.expects);
    await page.goto(url);
    await page.locator('main[data-page]:not([data-page=loading])').waitFor();
    return { page, complaints };
  }
}

async function newPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  return page;
}

function listen(page: Page, expected: RegExp | undefined): string[] {
  const complaints: string[] = [];
  const complain = (text: string) => {
    if (expected?.test(text) !== true) complaints.push(text);
  };
  page.on('console', (message) => message.type() === 'error' && complain(message.text()));
  page.on('pageerror', (error) => complain(`not caught: ${error.message}`));
  page.on('dialog', (dialog) => {
    complain(`a dialog of the browser: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return complaints;
}

/** A run of single tests finds the page unbuilt. */
function buildPage(): void {
  if (existsSync(join(PROJECT, 'master/web/dist/index.html'))) return;
  execFileSync(process.execPath, [join(PROJECT, 'scripts/setup.mjs'), '--page'], { stdio: 'inherit' });
}

/** Path of the Chromium that is installed. */
export function findChromium(): string {
  const named = process.env.ICEFALL_BROWSER;
  const places = (process.env.PATH ?? '').split(delimiter).filter((place) => place !== '');
  const found = [named ?? '', ...NAMES.flatMap((name) => places.map((place) => join(place, name)))].find(
    (path) => path !== '' && existsSync(path),
  );
  if (found === undefined)
    throw new Error(
      'no Chromium was found: run "node scripts/setup.mjs --browser", or set ICEFALL_BROWSER to its path',
    );
  return found;
}
