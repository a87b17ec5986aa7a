import { describe, expect, test } from 'vitest';
import { contributionOf, DEFAULT_FLAGS, RESULTS, type Result, type ResultFlags, worstResult } from './results.ts';

const FLAGS = ['haltOnFailure', 'flunkOnFailure', 'flunkOnWarnings', 'warnOnFailure', 'warnOnWarnings'] as const;

/** All 32 settings of the five flags. */
const SETTINGS: readonly ResultFlags[] = Array.from({ length: 2 ** FLAGS.length }, (_, bits) => ({
  haltOnFailure: (bits & 1) !== 0,
  flunkOnFailure: (bits & 2) !== 0,
  flunkOnWarnings: (bits & 4) !== 0,
  warnOnFailure: (bits & 8) !== 0,
  warnOnWarnings: (bits & 16) !== 0,
}));

/**
 * The rows of the table in words, independent of the code: results it is for, flags that must be on and off, what is
 * contributed (`-` nothing, `=` the result itself), when it stops the build.
 */
const TABLE = `
  SUCCESS,SKIPPED            |                                  | -        | never
  WARNINGS                   | !warnOnWarnings !flunkOnWarnings | SUCCESS  | never
  WARNINGS                   | warnOnWarnings !flunkOnWarnings  | WARNINGS | never
  WARNINGS                   | flunkOnWarnings                  | FAILURE  | never
  FAILURE                    | !flunkOnFailure !warnOnFailure   | SUCCESS  | haltOnFailure
  FAILURE                    | !flunkOnFailure warnOnFailure    | WARNINGS | haltOnFailure
  FAILURE                    | flunkOnFailure                   | FAILURE  | haltOnFailure
  EXCEPTION,RETRY,CANCELLED  |                                  | =        | always
`;
const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([results = '', flags = '', contributes = '', stops = '']) => ({
    results: results.split(','),
    flags: flags.split(' ').filter((word) => word !== ''),
    contributes,
    stops,
  }));

function isOn(flags: ReadonlyMap<string, boolean>, name: string): boolean {
  const value = flags.get(name);
  if (value === undefined) throw new Error(`no flag ${name}`);
  return value;
}

function oracle(result: Result, setting: ResultFlags) {
  const flags = new Map(Object.entries(setting));
  const matching = rows.filter(
    (row) =>
      row.results.includes(result) &&
      row.flags.every((word) => (word.startsWith('!') ? !isOn(flags, word.slice(1)) : isOn(flags, word))),
  );
  const [row] = matching;
  if (row === undefined || matching.length !== 1) throw new Error(`${matching.length} rows for ${result}`);
  return {
    result: row.contributes === '-' ? null : row.contributes === '=' ? result : row.contributes,
    halts: row.stops === 'always' || (row.stops === 'haltOnFailure' && setting.haltOnFailure),
  };
}

describe('what a step does to its build', () => {
  test.each(RESULTS)('for %s is what the table says, whatever the flags', (result) => {
    for (const setting of SETTINGS)
      expect({ setting, ...contributionOf(result, setting) }).toEqual({ setting, ...oracle(result, setting) });
  });

  test('is decided by 32 settings of five flags, which the default is one of', () => {
    expect(new Set(SETTINGS.map((setting) => JSON.stringify(setting))).size).toBe(32);
    expect(Object.keys(DEFAULT_FLAGS).sort()).toEqual([...FLAGS].sort());
    expect(FLAGS.filter((flag) => DEFAULT_FLAGS[flag])).toEqual(['flunkOnFailure']);
  });

  test('leaves a build green that a failure halted without flunking', () => {
    expect(contributionOf('FAILURE', { ...DEFAULT_FLAGS, haltOnFailure: true, flunkOnFailure: false })).toEqual({
      result: 'SUCCESS',
      halts: true,
    });
  });
});

describe('the worse of two results', () => {
  const WORST_FIRST = ['CANCELLED', 'RETRY', 'EXCEPTION', 'FAILURE', 'WARNINGS', 'SUCCESS', 'SKIPPED'] as const;

  test('is the one that comes first from CANCELLED to SKIPPED, in either order', () => {
    expect([...WORST_FIRST].sort()).toEqual([...RESULTS].sort());
    for (const [i, worse] of WORST_FIRST.entries())
      for (const better of WORST_FIRST.slice(i)) {
        expect(worstResult(worse, better)).toBe(worse);
        expect(worstResult(better, worse)).toBe(worse);
      }
  });

  test('makes a build of skipped steps a success, since it begins as one', () => {
    expect((['SKIPPED', 'SKIPPED'] satisfies Result[]).reduce<Result>(worstResult, 'SUCCESS')).toBe('SUCCESS');
  });
});
