import { beforeAll, describe, expect, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { type Desk, openDesk } from './desk.ts';

describe('acting on what runs and what waits', () => {
  const ground = groundOfFile();
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk(ground);
  });

  test('what waits says for whom, on the waterfall, in the queue and at the lock; a stop with a reason frees it', async () => {
    const { api } = desk.master;
    desk.dictate('keep');
    const kept = await api.force('keeper');
    await api.stepOf(kept, 'keep');
    const sought = await api.force('seeker');
    const shut = await api.force('blocked');
    const { page, complaints } = await desk.open('/');
    const request = page.locator(`a.request[data-request-id="${shut.requestIds[0]}"][data-blocker=lock]`);
    await request.waitFor();
    expect(await request.textContent()).toContain('held by keeper #1');
    const block = page.locator('article[data-builder=seeker][data-look=WAITING]');
    await block.getByRole('link', { name: /lock tree \(exclusive\), held by keeper #1/ }).waitFor();
    await block.hover();
    await page.locator('.card').getByText('held by keeper #1').waitFor();

    await page.getByRole('navigation').getByRole('link', { name: /Queue/ }).click();
    const row = page.locator(`tr[data-request-id="${shut.requestIds[0]}"]`);
    await row.getByText('waits for lock tree (counting), held by keeper #1').waitFor();
    await page.locator('tr[data-step=seek]').getByText('waits for lock tree (exclusive), held by keeper #1').waitFor();
    await row.getByRole('link', { name: 'lock tree' }).click();
    const lock = page.locator('[data-lock=tree][data-state=exclusive]');
    await lock.getByRole('list', { name: 'Holders' }).getByRole('link', { name: 'keeper #1' }).waitFor();
    expect(await lock.locator('[data-position]').count()).toBe(2);

    await lock.getByRole('link', { name: 'keeper #1' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    const dialog = page.getByRole('dialog', { name: 'Stop keeper #1?' });
    await dialog.getByLabel('Reason').fill('enough of it');
    await dialog.getByRole('button', { name: 'Stop the build' }).click();
    await page.locator('[data-page=build] [data-builder=keeper][data-result=CANCELLED]').waitFor();
    expect((await api.buildOf(kept.requestIds[0] ?? 0))?.stopReason).toBe('enough of it');
    await page.getByText('enough of it').first().waitFor();
    await page.keyboard.press('l');
    await page.getByText('keeper #1 is the newest build').waitFor();
    expect(await page.getByTitle('The build after (l)').count()).toBe(0);
    expect([(await api.finished(sought)).result, (await api.finished(shut)).result]).toEqual(['SUCCESS', 'SUCCESS']);
    await page.goto(`${desk.master.url}/locks`);
    await page.locator('[data-lock=tree] .strip[data-stretches="3"]').waitFor();
    await page.getByRole('img', { name: /^tree was held in the last 24 hours: 3 times/ }).waitFor();
    await page.goto(`${desk.master.url}/workers`);
    await page.locator('[data-worker=wide] .strip[data-stretches="1"]').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a request that waits for a slot is cancelled with a reason', async () => {
    const { api } = desk.master;
    const sit = desk.dictate('sit');
    const first = await api.force('single');
    await api.stepOf(first, 'sit');
    const second = await api.force('single');
    const { page, complaints } = await desk.open('/');
    await page.locator(`a.request[data-request-id="${second.requestIds[0]}"]`).click();
    await page.getByText('waits for a free slot on narrow').waitFor();
    await page.getByRole('button', { name: /^Cancel request/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('not today');
    await dialog.getByRole('button', { name: 'Cancel the request' }).click();
    await page.locator('dl[data-request-id][data-result=CANCELLED]').waitFor();
    expect((await api.finished(second)).result).toBe('CANCELLED');
    sit.end();
    expect((await api.finished(first)).result).toBe('SUCCESS');
    expect(complaints).toEqual([]);
  });

  test('a paused worker takes nothing until it is resumed', async () => {
    const { api } = desk.master;
    const sit = desk.dictate('sit');
    const { page, complaints } = await desk.open('/workers');
    await page.getByRole('button', { name: 'Pause narrow' }).click();
    await page.locator('[data-worker=narrow][data-state=paused]').waitFor();
    const buildset = await api.force('single');
    await page.getByRole('navigation').getByRole('link', { name: /Queue/ }).click();
    await page.locator(`tr[data-request-id="${buildset.requestIds[0]}"]`).getByText('narrow paused').waitFor();
    await page.goBack();
    const busy = page.locator('[data-worker=narrow][data-state=busy]').getByRole('link', { name: 'single #2' });
    // The answer comes after the event of what it brought about, as it may: it must not put the worker back.
    await page.route('**/workers/narrow/resume', async (route) => {
      const response = await route.fetch();
      await busy.waitFor();
      await route.fulfill({ response });
    });
    await page.getByRole('button', { name: 'Resume narrow' }).click();
    await page.getByText('narrow takes builds again.').waitFor();
    expect(await busy.count()).toBe(1);
    sit.end();
    expect((await api.finished(buildset)).result).toBe('SUCCESS');
    await page.locator('[data-worker=narrow][data-state=idle]').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a scheduler is disabled and enabled, and says when it is next due', async () => {
    const { page, complaints } = await desk.open('/schedulers');
    const row = page.locator('tr[data-scheduler=nightly]');
    await row.locator('time').first().waitFor();
    const enabled = async () =>
      (await desk.master.api.snapshot()).schedulers.find(({ name }) => name === 'nightly')?.enabled;
    await row.getByRole('switch').uncheck();
    await page.locator('tr[data-scheduler=nightly][data-state=disabled]').waitFor();
    await page.getByText('nightly is disabled.').waitFor();
    expect(await enabled()).toBe(false);
    await row.getByRole('switch').check();
    await page.getByText('nightly is enabled.').waitFor();
    expect(await enabled()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test('a worker is sent away: it finishes what it runs, and is gone', async () => {
    const { api } = desk.master;
    const sit = desk.dictate('sit');
    const buildset = await api.force('single');
    await api.stepOf(buildset, 'sit');
    const { page, complaints } = await desk.open('/workers');
    await page.getByRole('button', { name: 'Send away narrow' }).click();
    const dialog = page.getByRole('dialog', { name: 'Send narrow away?' });
    await dialog.getByLabel('Reason').fill('its machine is replaced');
    await dialog.getByRole('button', { name: 'Send it away' }).click();
    await page.locator('[data-worker=narrow][data-state=leaving]').waitFor();
    sit.end();
    expect((await api.finished(buildset)).result).toBe('SUCCESS');
    await page.locator('[data-worker=narrow][data-state=offline]').waitFor();
    expect(complaints).toEqual([]);
  });
});
