import { join } from 'node:path';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../browser/browser.ts';

/** Longest wait for anything on a page. */
const LIMIT_MS = 120_000;

const IN_PAGE = join(import.meta.dirname, 'in-page.js');

/** Chromium, a process of its own, with one page at a time. */
export class BenchBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<BenchBrowser> {
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--enable-precise-memory-info'];
    return new BenchBrowser(await chromium.launch({ executablePath: findChromium(), args }));
  }

  /** Opens an address with nothing in any cache, and waits until what `selector` names has been painted. */
  async open(url: string, selector: string): Promise<BenchPage> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT_MS);
    await page.addInitScript({ content: `globalThis.benchSelector = ${JSON.stringify(selector)};` });
    await page.addInitScript({ path: IN_PAGE });
    await page.goto(url);
    await page.evaluate('bench.painted');
    return new BenchPage(page, await context.newCDPSession(page));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

export interface Scrolled {
  readonly builds: number;
  readonly frames: readonly number[];
}

class BenchPage implements AsyncDisposable {
  readonly page: Page;
  readonly #cdp: CDPSession;

  constructor(page: Page, cdp: CDPSession) {
    this.page = page;
    this.#cdp = cdp;
  }

  /** From the navigation to the paint of what was waited for, ms. */
  paintedMs(): Promise<number> {
    return this.page.evaluate('bench.painted');
  }

  /** Memory of the page's own objects after a collection of garbage, MiB. */
  async heapMib(): Promise<number> {
    await this.#cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = await this.#cdp.send('Runtime.getHeapUsage');
    return usedSize / 1024 ** 2;
  }

  /** The longest task since the last call, ms; 50 where none was longer than that, as shorter ones are not told. */
  longestTaskMs(): Promise<number> {
    return this.page.evaluate('Math.max(50, ...bench.tasks.splice(0))');
  }

  /** Number of the lowest line of a log that is in view. */
  newestLine(): Promise<number> {
    return this.page.evaluate('bench.newestLine()');
  }

  /** Scrolls the waterfall down, frame by frame, until so many builds have gone by. */
  scroll(builds: number, pixelsPerFrame: number): Promise<Scrolled> {
    return this.page.evaluate(`bench.scroll(${JSON.stringify({ builds, pixelsPerFrame })})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
