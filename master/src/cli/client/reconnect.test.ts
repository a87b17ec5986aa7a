import { describe, expect, test } from 'vitest';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { Interrupted, Unreachable } from './api-client.ts';
import { LIMITS } from './limits.ts';
import { insist, Reconnect } from './reconnect.ts';

/** A terminal whose clock moves only while it waits. */
function clocked() {
  const waits: number[] = [];
  let now = 0;
  const terminal = fakeTerminal({
    now: () => now,
    wait: async (ms) => {
      waits.push(ms);
      now += ms;
    },
  });
  return { terminal, waits };
}

const away = () => new Unreachable('away');

describe('patience with a master that is away', () => {
  test('asks more and more rarely, tells it once, and gives up after the longest absence', async () => {
    const { terminal, waits } = clocked();
    await expect(insist(terminal, LIMITS, () => Promise.reject(away()))).rejects.toThrow('away');
    expect(waits.slice(0, 7)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    const waited = waits.reduce((sum, ms) => sum + ms, 0);
    expect(waited).toBeGreaterThan(LIMITS.absenceMs);
    expect(waited - (waits.at(-1) ?? 0)).toBeLessThanOrEqual(LIMITS.absenceMs);
    expect(terminal.written.err).toBe('icefall: the connection to the master was cut; trying again\n');
  });

  test('begins anew after every sign of life', async () => {
    const { terminal, waits } = clocked();
    const reconnect = new Reconnect(terminal, LIMITS);
    for (let i = 0; i < 1000; i += 1) {
      await reconnect.afterFailure(away());
      await reconnect.afterFailure(away());
      reconnect.isThere();
    }
    expect(new Set(waits)).toEqual(new Set([500, 1000]));
  });

  test('ends at once for what asking again cannot mend', async () => {
    const { terminal, waits } = clocked();
    await expect(insist(terminal, LIMITS, () => Promise.reject(new Error('a mistake')))).rejects.toThrow('a mistake');
    expect(waits).toEqual([]);
    terminal.interrupt();
    await expect(insist(terminal, LIMITS, () => Promise.reject(away()))).rejects.toThrow(Interrupted);
  });
});
