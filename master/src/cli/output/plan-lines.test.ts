import { describe, expect, test } from 'vitest';
import type { Plan } from '../../config/plan.ts';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { planLines } from './plan-lines.ts';

const NOTHING: Plan = {
  ...{ builders: [], schedulers: [], workers: [], locks: [], changeSources: [], site: [], effects: [] },
  comparesFunctions: false,
};
const lines = (plan: Partial<Plan>) => planLines(fakeTerminal(), { ...NOTHING, ...plan });

describe('a plan in words', () => {
  test('is nothing where nothing changes', () => {
    expect(lines({})).toEqual([]);
  });

  test('shows options with their old and new values, as the program writes them', () => {
    const options = [
      { option: 'maxCount', before: 2, after: 1 },
      { option: 'doStepIf', before: true, after: { $reference: 'computed(...)', of: [{ $function: '() => x' }] } },
      { option: 'env', before: undefined, after: { A: { $reference: 'prop("a")' }, B: { $hidden: true } } },
    ];
    expect(lines({ locks: [{ change: 'changed', name: 'tree', kind: 'master lock', options, steps: [] }] })).toEqual([
      '~ master lock tree',
      '    maxCount: 2 → 1',
      '    doStepIf: true → computed(() => x)',
      '    env: not set → { A: prop("a"), B: (hidden) }',
      '0 to add, 1 to change, 0 to remove',
    ]);
  });

  test('shows of long values where they begin to differ', () => {
    const [before, after] = [`${'x'.repeat(200)}1`, `${'x'.repeat(200)}2`];
    const [, line] = lines({ site: [{ option: 'title', before, after }] });
    expect(line).toBe(`    title: …${'x'.repeat(20)}1" → …${'x'.repeat(20)}2"`);
  });

  test('shows of long lists what comes and what goes', () => {
    const names = Array.from({ length: 20 }, (_, i) => `builder-${i}`);
    const [, line] = lines({ site: [{ option: 'builders', before: names, after: [...names.slice(1), 'new'] }] });
    expect(line).toBe('    builders: - "builder-0", + "new"');
    const [, many] = lines({ site: [{ option: 'builders', before: ['a'.repeat(80)], after: names }] });
    expect(many).toMatch(/^ {4}builders: - "a+…, \+ "builder-0", .* and 13 more$/);
    const [, turned] = lines({ site: [{ option: 'builders', before: names, after: names.toReversed() }] });
    expect(turned).toBe('    builders: the same 20 elements in another order, or more than once');
  });

  test('tells of what is going on what would become of it', () => {
    const effects: Plan['effects'] = [
      { kind: 'buildKeepsOld', buildId: 7, builder: 'linux', number: 3 },
      { kind: 'requestsWithoutBuilder', builder: 'mac', requestIds: [8, 9] },
      { kind: 'lockAboveLimit', lock: 'tree', held: 3, limit: 1 },
      { kind: 'workerLeaves', worker: 'w', buildIds: [7] },
    ];
    expect(lines({ effects })).toEqual([
      'what is going on:',
      '  linux #3 goes on with the configuration that it began with',
      '  2 requests (8, 9) of mac would wait for a builder that is gone: cancel them, or keep the builder',
      '  lock tree is held 3 times, its limit would be 1: nobody is let in until it is free again',
      '  worker w is sent away when it has ended 1 build',
    ]);
  });
});
