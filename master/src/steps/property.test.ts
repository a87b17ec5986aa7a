import type { Json } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { computed, prop } from '../properties/references.ts';
import { assertion, type FromCommandOptions, setProperties, setProperty, setPropertyFromCommand } from './property.ts';
import { anOutcome, aRun, beginning, commandOf, mistakesIn } from './test-run.ts';

describe('setProperty', () => {
  test.each([['text'], [4], [0], [false], [null], [['a', 1]], [{ deep: [true] }]])('sets %j as it is', (value) => {
    expect(beginning(() => setProperty({ property: 'x', value }))).toMatchObject({
      do: 'finish',
      result: 'SUCCESS',
      properties: { x: value },
    });
  });

  test('takes references, in its name too, and says what it set', () => {
    const run = aRun({ properties: { name: 'x', jobs: 4 } });
    expect(beginning(() => setProperty({ property: prop('name'), value: [prop('jobs', 1), 'b'] }), run)).toEqual({
      do: 'finish',
      result: 'SUCCESS',
      summary: 'x = [4,"b"]',
      properties: { x: [4, 'b'] },
    });
  });

  test.each([
    [{ property: 'a b', value: 1 }, /option "property": must begin with a letter or _ .* \(found "a b"\)/],
    [{ property: 'a' }, /option "value": must be JSON/],
    [{ property: 'a', value: () => 1 }, /option "value": must be JSON: text, a number, .* \(found a function\)/],
    [{ value: 1 }, /option "property"/],
    [{ property: 'a', value: 1, source: 'x' }, /"source"/],
  ])('tells %# at load', (options, expected) => {
    expect(mistakesIn(() => setProperty(options as never))).toEqual([expect.stringMatching(expected)]);
  });

  test('does not set what is no JSON when it is computed', () => {
    const step = setProperty({ property: 'x', value: computed((): Json => Object(new Date(0))) });
    expect(() => step.prepare(aRun())).toThrow(
      /property\.test\.ts:\d+: step setProperty "step": option "value": must be JSON/,
    );
  });
});

describe('setProperties', () => {
  test('sets several, which may be computed as a whole', () => {
    const run = aRun({ properties: { a: 1 } });
    expect(beginning(() => setProperties({ properties: { x: prop('a'), y: 'b' } }), run)).toMatchObject({
      summary: 'set x, y',
      properties: { x: 1, y: 'b' },
    });
    const all = computed(({ properties }): Record<string, Json> => ({ z: properties.a?.value === 1 }));
    expect(beginning(() => setProperties({ properties: all }), run)).toMatchObject({ properties: { z: true } });
  });

  test.each([
    [{ properties: { '1a': 1 } }, /option "properties.1a": must begin with a letter/],
    [{ properties: { a: undefined } }, /option "properties.a": must be JSON/],
    [{ properties: ['a'] }, /option "properties"/],
    [{}, /option "properties"/],
  ])('tells %# at load', (options, expected) => {
    expect(mistakesIn(() => setProperties(options as never))).toEqual([expect.stringMatching(expected)]);
  });
});

describe('setPropertyFromCommand', () => {
  const end = (options: FromCommandOptions, outcome: Parameters<typeof anOutcome>[0]) =>
    setPropertyFromCommand(options).prepare(aRun()).end(anOutcome(outcome));
  const printed = { values: { stdout: '  v1.2 \n', stderr: 'warning\n' } };

  test('runs its command as a shell step does, and captures what it prints', () => {
    const options = { command: ['git', 'describe'], property: 'v', workdir: 'src', env: { A: null } };
    expect(commandOf('shell', () => setPropertyFromCommand(options), aRun({ env: { A: 'a', B: 'b' } }))).toMatchObject({
      command: ['git', 'describe'],
      workdir: 'src',
      env: { A: null, B: 'b' },
      idleTimeoutMs: 1_200_000,
      capture: true,
    });
  });

  test('sets standard output, without white space around it unless told to keep it', () => {
    expect(end({ command: 'x', property: 'v' }, printed)).toEqual({
      result: 'SUCCESS',
      summary: 'v = v1.2',
      properties: { v: 'v1.2' },
    });
    expect(end({ command: 'x', property: 'v', strip: false }, printed).properties).toEqual({ v: '  v1.2 \n' });
    expect(end({ command: 'x', property: 'v' }, {}).properties).toEqual({ v: '' });
  });

  test('sets what a function makes of exit code and both streams', () => {
    const extract: FromCommandOptions['extract'] = ({ exitCode, stdout, stderr }) => ({
      code: exitCode,
      lines: stdout.split('\n').length,
      warned: stderr !== '',
    });
    const exitCodes = { 0: 'SUCCESS', 3: 'WARNINGS' } as const;
    expect(end({ command: 'x', extract, exitCodes }, { ...printed, exitCode: 3 })).toEqual({
      result: 'WARNINGS',
      summary: 'set code, lines, warned',
      properties: { code: 3, lines: 2, warned: true },
    });
  });

  test.each([
    [{ exitCode: 1 }, 'FAILURE'],
    [{ reason: 'idleTimeout', exitCode: null }, 'FAILURE'],
    [{ reason: 'interrupted', exitCode: null }, 'CANCELLED'],
    [{ reason: 'lost', exitCode: null }, 'RETRY'],
    [{ reason: 'refused', exitCode: null }, 'FAILURE'],
  ] as const)('sets nothing for %j', (outcome, result) => {
    const unasked = () => {
      throw new Error('asked all the same');
    };
    expect(end({ command: 'x', property: 'v' }, { ...printed, ...outcome })).toMatchObject({ result });
    for (const options of [{ property: 'v' }, { extract: unasked }]) {
      const ended = end({ command: 'x', ...options }, { ...printed, ...outcome });
      expect(ended.result).toBe(result);
      expect(ended.properties).toBeUndefined();
    }
  });

  test.each([
    [() => JSON.parse('{'), /^extract\(\) failed: .*JSON/],
    [() => 'v1', /^extract\(\) failed: .*expected record/],
    [() => ({ 'a b': 1 }), /^extract\(\) failed: option "a b": must begin with a letter/],
    [() => ({ a: () => 1 }), /^extract\(\) failed: option "a": must be JSON/],
  ])('ends as EXCEPTION where the function throws or gives no properties (%#)', (extract, expected) => {
    const ended = end({ command: 'x', extract: extract as FromCommandOptions['extract'] & object }, printed);
    expect(ended).toEqual({ result: 'EXCEPTION', summary: expect.stringMatching(expected) });
  });

  test.each([
    [{ command: 'x' }, /option "property": needs either property or extract/],
    [{ command: 'x', property: 'a', extract: () => ({}) }, /option "property": needs either property or extract/],
    [{ command: ['x', prop('a')] }, /option "property": needs either property or extract/],
    [{ command: 'x', extract: 'json' }, /option "extract": must be a function \(found "json"\)/],
    [{ command: 'x', property: '' }, /option "property": must begin with a letter/],
    [{ command: 'x', property: 'a', strip: 'both' }, /option "strip"/],
    [{ property: 'a' }, /option "command"/],
  ])('tells %# at load', (options, expected) => {
    expect(mistakesIn(() => setPropertyFromCommand(options as never))).toEqual([expect.stringMatching(expected)]);
  });
});

describe('assertion', () => {
  const variant = computed(({ properties }) => properties.variant?.value === 'base');

  test('holds for true, and for nothing else', () => {
    expect(beginning(() => assertion({ check: variant }), aRun({ properties: { variant: 'base' } }))).toMatchObject({
      result: 'SUCCESS',
    });
    for (const check of [false, 'true', 1, null, [true]])
      expect(beginning(() => assertion({ check }))).toMatchObject({ do: 'finish', result: 'FAILURE' });
  });

  test('says its message and what it found', () => {
    expect(beginning(() => assertion({ check: variant, message: 'only for base' }))).toEqual({
      do: 'finish',
      result: 'FAILURE',
      summary: 'only for base',
      text: 'only for base\nfound false, wanted true\n',
    });
  });

  test.each([[{}], [{ check: true, message: 5 }], [{ check: true, mesage: 'x' }]])('tells %j at load', (options) => {
    expect(mistakesIn(() => assertion(options as never))).toHaveLength(1);
  });
});
