import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { type Desk, openDesk } from './desk.ts';

/** More than a window holds. */
const MANY = Array.from({ length: 120 }, (_, i) => `line ${i + 1}`);

describe('logs on the page', () => {
  const ground = groundOfFile();
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk(ground);
  });

  test('a log grows line by line while its step runs; following lets go on scrolling up, and resumes', async () => {
    const talk = desk.dictate('talk');
    const buildset = await desk.master.api.force('talker');
    const step = await desk.master.api.stepOf(buildset, 'talk');
    const { page, complaints } = await desk.open(`/builds/${step.buildId}`);
    talk.say('first words');
    await page.locator('[data-step=talk] .tail').getByText('first words').waitFor();
    await page.locator('[data-step=talk]').getByRole('link', { name: 'stdio' }).click();
    const log = page.locator('main[data-page=log]');
    const line = (text: string) => log.locator('.line-text').getByText(text, { exact: true });
    for (const text of ['one', 'two', 'three']) {
      talk.say(text);
      await line(text).waitFor();
    }
    expect(await log.getAttribute('data-state')).toBe('growing');
    talk.say(...MANY);
    await line('line 120').waitFor();
    expect(await log.getAttribute('data-following')).toBe('true');

    await log.locator('.log-scroller').hover();
    await page.mouse.wheel(0, -600);
    await page.locator('main[data-following=false]').waitFor();
    const top = await log.locator('.line').first().getAttribute('data-line');
    const before = Number(await log.getAttribute('data-lines'));
    talk.say('said unseen');
    await page.locator(`main[data-lines="${before + 1}"]`).waitFor();
    expect(await line('said unseen').count()).toBe(0);
    expect(await log.locator('.line').first().getAttribute('data-line')).toBe(top);

    await page.getByRole('button', { name: 'Follow' }).click();
    await line('said unseen').waitFor();
    talk.say('seen again');
    await line('seen again').waitFor();
    talk.end();
    await page.locator('main[data-state=complete]').waitFor();
    expect((await desk.master.api.finished(buildset)).result).toBe('SUCCESS');
    const lines = await desk.master.api.lines(await desk.master.api.stepOf(buildset, 'talk', 'finished'));
    expect(Number(await log.getAttribute('data-lines'))).toBe(lines.length);
    expect(complaints).toEqual([]);
  });

  test('groups are folded as they are marked, those that come stay open, and what is looked for opens its own', async () => {
    const talk = desk.dictate('talk');
    const buildset = await desk.master.api.force('talker');
    const step = await desk.master.api.stepOf(buildset, 'talk');
    talk.say('::group::Set up', ...MANY, 'a needle here', '::endgroup::', 'between');
    talk.say('section_start:1:fetch[collapsed=true]\r\u001b[0KFetch it', ...MANY, 'section_end:2:fetch\r\u001b[0K');
    await desk.master.api.line(step, /section_end/);
    const { page, complaints } = await desk.open(
      `/logs/${(await desk.master.api.build(step.buildId)).steps[0]?.logs[0]?.id}`,
    );
    const group = (name: string) => page.getByRole('button', { name });
    await page.getByRole('button', { name: 'Top' }).click();
    await group('Set up').waitFor();
    expect(await group('Set up').getAttribute('aria-expanded')).toBe('false');
    expect(await group('Fetch it').getAttribute('aria-expanded')).toBe('true');
    await group('Fetch it').click();
    talk.say('--- Build', ...MANY.slice(0, 9), 'built', '::group::Seen to come', 'in it', '::endgroup::');
    await group('Seen to come').waitFor();
    expect(await group('Seen to come').getAttribute('aria-expanded')).toBe('true');
    talk.end();
    await desk.master.api.finished(buildset);
    await page.locator('main[data-state=complete]').waitFor();
    expect(await group('Build').getAttribute('aria-expanded')).toBe('true');
    await page.getByText('between', { exact: true }).waitFor();
    await page.getByText('built', { exact: true }).waitFor();
    expect(await page.locator('.line').getByText('line 120', { exact: true }).count()).toBe(0);
    await group('Fetch it').click();
    await page.locator('.line').getByText('line 3', { exact: true }).first().waitFor();
    await group('Fetch it').click();
    await page.getByText('built', { exact: true }).waitFor();
    await page.locator('#log-search').fill('needle');
    await page.locator('.line.current').getByText('a needle here').waitFor();
    await page.getByRole('button', { name: 'Unfold' }).click();
    await page.getByRole('button', { name: 'Top' }).click();
    expect(await group('Set up').getAttribute('aria-expanded')).toBe('true');
    expect(complaints).toEqual([]);
  });

  test('searches, marks the hits, and gives links to lines', async () => {
    const talk = desk.dictate('talk');
    const buildset = await desk.master.api.force('talker');
    talk.say(...MANY, 'a needle here', ...MANY, '\u001b[31mred needle\u001b[0m');
    talk.end();
    await desk.master.api.finished(buildset);
    const step = await desk.master.api.stepOf(buildset, 'talk', 'finished');
    const { page, complaints } = await desk.open(`/logs/${step.logs[0]?.id}`);
    await page.locator('main[data-state=complete]').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('needle');
    await page.locator('[data-search=done][data-hits="2"]').waitFor();
    await page.locator('.line.current').getByText('a needle here').waitFor();
    expect(await page.locator('.log-marks i').count()).toBe(2);
    await page.keyboard.press('Enter');
    const red = page.locator('.line.current');
    await red.getByText('red needle').waitFor();
    expect(await red.locator('.fg-1').textContent()).toBe('red needle');
    await page.locator('#log-search').fill('/^line 1[12]0$/');
    await page.locator('[data-search=done][data-hits="4"]').waitFor();

    const wanted = page.locator('.line.current');
    const number = await wanted.getAttribute('data-line');
    await wanted.getByRole('link').first().click();
    await page.waitForURL(new RegExp(`#L${number}$`));
    const again = await desk.open(`/logs/${step.logs[0]?.id}#L${number}`);
    await again.page.locator(`.line.marked[data-line="${number}"]`).getByText('line 110').waitFor();
    expect([...complaints, ...again.complaints]).toEqual([]);
  });

  test('a build shows the first error of what failed, and all of its logs are searched at once', async () => {
    await desk.master.api.finished(await desk.master.api.force('verbose'));
    const { page, complaints } = await desk.open('/builders/verbose/builds/1');
    const first = page.locator('[data-step=make] [data-first-error="4"]');
    await first.locator('.marked').getByText('main.c:3: error: no such thing').waitFor();
    await first.getByText('cc', { exact: true }).waitFor();
    await page.locator('[data-step=make] .tail').getByText('make: *** gave up').waitFor();

    await page.getByLabel('Search in all logs of this build').fill('error');
    await page.locator('.build-search [data-search=done][data-hits="4"]').waitFor();
    const finds = page.getByRole('list', { name: 'Found' });
    await finds.getByRole('link', { name: '3 an error is expected below' }).waitFor();
    await finds.getByRole('link', { name: '4 main.c:3' }).click();
    await page.locator('.line.marked').getByText('no such thing').waitFor();
    expect(complaints).toEqual([]);
  });
});
