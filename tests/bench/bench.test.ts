import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { REPORT_VERSION, type Report, runBench } from './bench.ts';
import type { BenchCase } from './bench-case.ts';
import { CASES } from './cases/all.ts';
import { higher, lower, median, quantile, ratioToPeers } from './figures.ts';
import { parseOptions } from './options.ts';
import { tableOf } from './report/table.ts';

const named = (...names: string[]) => CASES.filter(({ name }) => names.includes(name));
const run = (cases: readonly BenchCase[], repeat = 1): Promise<Report> =>
  runBench({ cases, quick: true, repeat, say: () => {} });
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`icefall-bench-${process.pid}-`));

describe('the benchmark', () => {
  test('measures a real master with real workers, and leaves nothing behind', async () => {
    const report = JSON.parse(JSON.stringify(await run(named('steps', 'log50', 'publish')))) as Report;
    expect(report).toMatchObject({ version: REPORT_VERSION, quick: true, conditions: { node: process.version } });
    expect(report.conditions.cores).toBeGreaterThan(0);
    expect(report.cases.map(({ name, error }) => [name, error])).toEqual([
      ['steps', null],
      ['log50', null],
      ['publish', null],
    ]);
    for (const { figures, conditions } of report.cases) {
      expect(conditions).not.toBe('');
      expect(figures.length).toBeGreaterThan(1);
      for (const { value } of figures) expect(value).toBeGreaterThanOrEqual(0);
    }
    expect(leftovers()).toEqual([]);
  });

  test('reports a case that fails, and goes on with the others', async () => {
    const fails: BenchCase = { name: 'bad', title: 'bad', run: () => Promise.reject(new Error('no luck')) };
    const works: BenchCase = { name: 'good', title: 'good', run: () => Promise.resolve(outcome(1)) };
    const report = await run([fails, works]);
    expect(report.cases.map(({ error }) => error)).toEqual(['no luck', null]);
    expect(tableOf(report)).toContain('FAILED: no luck');
    expect(leftovers()).toEqual([]);
  });

  test('gives the median of its runs, and how it compares', async () => {
    const values = [3, 1, 2];
    const one: BenchCase = {
      name: 'one',
      title: 'one',
      run: () => Promise.resolve(outcome(values.shift() ?? 0)),
    };
    const [figure] = (await run([one], 3)).cases[0]?.figures ?? [];
    expect(figure).toMatchObject({ value: 2, ratio: 10, runs: [3, 1, 2] });
  });
});

function outcome(value: number) {
  const peers = { buildbot37: 30, buildbot43: 20 };
  return { conditions: 'none', figures: [lower({ name: 'time', unit: 'ms', value }, peers)] };
}

describe('a ratio', () => {
  test('is to the better of the two Buildbots, whichever way is better', () => {
    const peers = { buildbot37: 30, buildbot43: 20 };
    expect(ratioToPeers(lower({ name: 'time', unit: 'ms', value: 2 }, peers))).toBe(10);
    expect(ratioToPeers(higher({ name: 'rate', unit: '/s', value: 300 }, peers))).toBe(10);
  });

  test('is to the stock tools where it is them that were measured', () => {
    expect(ratioToPeers(lower({ name: 'time', unit: 's', value: 2 }, { cvmfsServer: 3 }))).toBe(1.5);
  });

  test('is none where nobody measured another', () => {
    expect(ratioToPeers(lower({ name: 'time', unit: 'ms', value: 2 }, { laminar: 3 }))).toBeNull();
  });
});

describe('a median', () => {
  test('is the value in the middle, or between the two there', () => {
    expect([median([5, 1, 3]), median([4, 1, 2, 3]), median([7])]).toEqual([3, 2.5, 7]);
  });
});

describe('a quantile', () => {
  test('is one of the values', () => {
    const values = [5, 1, 4, 2, 3];
    expect([quantile(values, 0.95), quantile(values, 0)]).toEqual([5, 1]);
  });
});

describe('the command line', () => {
  test('chooses cases by name, in the order in which they run', () => {
    expect(parseOptions(['steps', 'dispatch', '--quick', '--json', 'x.json'])).toMatchObject({
      cases: [{ name: 'dispatch' }, { name: 'steps' }],
      quick: true,
      json: 'x.json',
    });
    const usual = CASES.filter(({ name }) => name !== 'publish-million');
    expect(parseOptions([])).toMatchObject({ cases: usual, quick: false, repeat: 1, json: null });
    expect(parseOptions(['publish-million'])).toMatchObject({ cases: [{ name: 'publish-million' }] });
  });

  test.each([[['nonsense']], [['--repeat', '0']], [['--fast']]])('refuses %j', (argv) => {
    expect(() => parseOptions(argv)).toThrow();
  });
});
