import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { type Desk, openDesk } from './desk.ts';

describe('the waterfall', () => {
  const ground = groundOfFile();
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk(ground);
    await desk.master.api.finished(await desk.master.api.force('parent'));
    await desk.master.api.finished(await desk.master.api.force('fails'));
  });
  const zoomOf = (url: string) => Number(new URL(url).searchParams.get('zoom') ?? 1);

  test('is zoomed by keys, by the wheel with Ctrl, and fitted to the window', async () => {
    const { page, complaints } = await desk.open('/');
    await page.locator('article[data-builder=fails]').waitFor();
    await page.keyboard.press('+');
    await page.waitForURL((url) => zoomOf(url.href) > 1);
    await page.keyboard.press('0');
    await page.waitForURL((url) => url.search === '');
    await page.locator('.scroller').hover();
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, 200);
    await page.keyboard.up('Control');
    await page.waitForURL((url) => zoomOf(url.href) < 1);
    await page.goto(`${desk.master.url}/?zoom=0.25&time=linear`);
    await page.locator('article[data-builder=fails]').waitFor();
    await page.keyboard.press('v');
    await page.waitForURL((url) => zoomOf(url.href) > 0.25);
    await expect
      .poll(() => page.locator('.scroller').evaluate((element) => element.scrollHeight <= element.clientHeight + 1))
      .toBe(true);
    expect(complaints).toEqual([]);
  });

  test('is zoomed by two fingers', async () => {
    const { page, complaints } = await desk.open('/', { width: 390, height: 844, phone: true });
    await page.locator('.scroller').waitFor();
    const session = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', apart: number | null) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints:
          apart === null
            ? []
            : [
                { x: 200, y: 500 - apart / 2, id: 0 },
                { x: 200, y: 500 + apart / 2, id: 1 },
              ],
      });
    await touch('touchStart', 100);
    await touch('touchMove', 150);
    await touch('touchMove', 200);
    await touch('touchEnd', null);
    await page.waitForURL((url) => Math.abs(zoomOf(url.href) - 2) < 0.05);
    expect(complaints).toEqual([]);
  });

  test('hangs on a wall: large, all columns in view, nothing to press, live still; Escape ends it', async () => {
    const { page, complaints } = await desk.open('/', { width: 1920, height: 1080 });
    const block = page.locator('article[data-builder=fails]');
    const before = await block.boundingBox();
    await page.getByRole('button', { name: 'Wall' }).click();
    await page.waitForURL(/wall=1/);
    await page.locator('.bar').waitFor({ state: 'hidden' });
    expect(await page.getByRole('button').count()).toBe(0);
    await page.locator('[data-live=live]').waitFor();
    const after = await block.boundingBox();
    expect(after?.height).toBeGreaterThan(before?.height ?? Number.POSITIVE_INFINITY);
    expect(await page.locator('.scroller').evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(
      true,
    );
    await page.keyboard.press('Escape');
    await page.locator('.bar').waitFor();
    expect(complaints).toEqual([]);
  });

  test('is printed whole, whatever of it is in view', async () => {
    const { page, complaints } = await desk.open('/?time=linear&zoom=12', { width: 500, height: 400 });
    const shown = page.locator('section.column article');
    const all = (await desk.master.api.snapshot()).builds.length;
    await page.emulateMedia({ media: 'print' });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    await expect.poll(() => shown.count()).toBe(all);
    expect(await page.locator('.scroller').evaluate((element) => element.scrollHeight <= element.clientHeight)).toBe(
      true,
    );
    expect(await page.locator('.bar, .top').filter({ visible: true }).count()).toBe(0);
    await page.evaluate("dispatchEvent(new Event('afterprint'))");
    await page.emulateMedia({ media: 'screen' });
    await page.locator('.bar').waitFor();
    expect(complaints).toEqual([]);
  });

  test.each([
    ['name=fails', ['fails']],
    ['result=FAILURE', ['fails']],
    ['scheduler=nobody', []],
    ['branch=nowhere', []],
    ['person=nobody', []],
    ['tag=nothing', []],
  ])('shows only what its address asks for: %s', async (query, builders) => {
    const { page } = await desk.open(`/?${query}`);
    await page.locator('[data-live=live]').waitFor();
    await expect
      .poll(() =>
        page.evaluate(
          "[...new Set([...document.querySelectorAll('article[data-build-id]')].map((one) => one.dataset.builder))]",
        ),
      )
      .toEqual(builders);
  });
});

test('a watched build tells of its end, also to somebody who looks elsewhere', async () => {
  const ground = groundOfFile();
  const desk = await openDesk(ground);
  const talk = desk.dictate('talk');
  const buildset = await desk.master.api.force('talker');
  const { buildId } = await desk.master.api.stepOf(buildset, 'talk');
  const { page, complaints } = await desk.open(`/builds/${buildId}`);
  await page.context().grantPermissions(['notifications']);
  // Headless, a browser shows none: what it is asked to show is noted.
  await page.evaluate(`
    globalThis.told = [];
    globalThis.Notification = class { static requestPermission = async () => 'granted';
      constructor(title, { body }) { told.push(title + ' / ' + body); } };
  `);
  await page.getByRole('button', { name: 'Notify me' }).click();
  await page.locator('[data-action=watch][aria-pressed=true]').waitFor();
  await page.getByRole('link', { name: 'Queue' }).click();
  talk.end();
  await expect.poll(() => page.evaluate('told')).toEqual([expect.stringMatching(/^talker #1: success \/ .*\d/)]);
  expect(complaints).toEqual([]);
});
