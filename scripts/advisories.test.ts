import { describe, expect, it } from 'vitest';
import { verdictOf } from './advisories.ts';

const advisory = (rest: object) => ({
  ...{ module_name: 'unpacker', title: 'Climbs out', severity: 'high', github_advisory_id: 'GHSA-1' },
  ...{ patched_versions: '>=2.0.0', findings: [{ version: '1.0.0', paths: ['worker>unpacker'] }] },
  ...rest,
});
const printed = (...found: readonly object[]) =>
  `a line of npm's own\n${JSON.stringify({ advisories: Object.fromEntries(found.map((one, i) => [i, one])), metadata: {} })}`;

describe('what the registry knows of holes', () => {
  it('is a fault where it is grave, with the way out', () => {
    expect(verdictOf(printed(advisory({}), advisory({ severity: 'low', patched_versions: null })))).toEqual({
      ok: false,
      lines: [
        'high: unpacker 1.0.0 (worker>unpacker): Climbs out (GHSA-1); take >=2.0.0',
        'low: unpacker 1.0.0 (worker>unpacker): Climbs out (GHSA-1); there is no version without it',
        '2 known',
      ],
    });
  });

  it('is told and no fault where it is not, or where somebody has looked at it', () => {
    expect(verdictOf(printed(advisory({ severity: 'moderate' })))).toMatchObject({ ok: true, lines: { length: 2 } });
    expect(verdictOf(printed(advisory({})), { 'GHSA-1': 'we unpack nothing' })).toEqual({ ok: true, lines: ['none'] });
    expect(verdictOf(printed())).toEqual({ ok: true, lines: ['none'] });
  });

  it('is not known where the registry does not tell, or is not reached: it says so, without an address', () => {
    const refused =
      'Error: ERR_PNPM_AUDIT_BAD_RESPONSE\n\n  × The audit endpoint (at https://r.example/-/npm/bulk)\n  │ responded with 405:';
    expect(verdictOf(refused)).toEqual({
      ...{ ok: true, lines: ['not known: this registry does not offer advisories (responded with 405)'] },
    });
    expect(verdictOf('npm error code ECONNREFUSED\nnpm error http://r.example/pnpm').lines).toEqual([
      'not known: the registry was not reached (ECONNREFUSED)',
    ]);
    expect(verdictOf('').lines).toEqual(['not known: the registry was not reached (no answer)']);
  });
});
