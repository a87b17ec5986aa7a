import { RESULTS, type Result } from '@icefall/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPORT_MODES, type ReportMode } from '../config/reporters.ts';
import { isTold } from './choice.ts';

fc.configureGlobal({ seed: 20250602 });

const ENDS = RESULTS.filter((result) => result !== 'RETRY');
const result = fc.constantFrom(...RESULTS);
const previous = fc.constantFrom(null, ...RESULTS);
const modes = fc.uniqueArray(fc.constantFrom(...REPORT_MODES), { minLength: 1 });

/** The results that a mode has told: after nothing, after SUCCESS, after FAILURE. */
const TABLE: Readonly<Record<ReportMode, readonly [readonly Result[], readonly Result[], readonly Result[]]>> = {
  failing: [['FAILURE'], ['FAILURE'], ['FAILURE']],
  passing: [['SUCCESS'], ['SUCCESS'], ['SUCCESS']],
  warnings: [['WARNINGS'], ['WARNINGS'], ['WARNINGS']],
  exception: [['EXCEPTION'], ['EXCEPTION'], ['EXCEPTION']],
  cancelled: [['CANCELLED'], ['CANCELLED'], ['CANCELLED']],
  change: [[], ['WARNINGS', 'FAILURE', 'EXCEPTION'], ['SUCCESS', 'WARNINGS', 'EXCEPTION']],
  problem: [['FAILURE'], ['FAILURE'], []],
  always: [ENDS, ENDS, ENDS],
};

describe('the end of a build', () => {
  test.each(REPORT_MODES)('is told as the mode "%s" says', (mode) => {
    const told = ([null, 'SUCCESS', 'FAILURE'] as const).map((before) =>
      RESULTS.filter((after) => isTold([mode], after, before)),
    );
    expect(told).toEqual(TABLE[mode]);
  });

  test('is told where one of several modes would have it told, and an attempt that is followed by another never', () => {
    fc.assert(
      fc.property(modes, result, previous, (several, after, before) => {
        const one = several.some((mode) => isTold([mode], after, before));
        expect(isTold(several, after, before)).toBe(one);
        if (after === 'RETRY') expect(one).toBe(false);
      }),
    );
  });
});
