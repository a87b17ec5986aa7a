import { expect, test } from 'vitest';
import { OptionsError, parseOptions } from './options.ts';

const WANTED = { numbers: { repeat: 3, seed: null }, texts: { only: '' }, flags: ['long'] } as const;

test('options of a test program are numbers, texts and flags, with their defaults', () => {
  expect(parseOptions([], WANTED)).toEqual({ repeat: 3, seed: null, only: '', long: false });
  expect(parseOptions(['--repeat', '20', '--seed=7', '--only', 'link', '--long'], WANTED)).toEqual({
    ...{ repeat: 20, seed: 7, only: 'link', long: true },
  });
});

test.each([
  // Taken for a number it would be none: no run at all, and every promise kept.
  [['--repeat', 'twice'], '--repeat "twice" is not a whole number'],
  [['--repeat', '-1'], '--repeat'],
  [['--repaet', '2'], 'there are --repeat, --seed, --only, --long'],
  [['stray'], 'stray'],
])('%j is refused, and the names there are are told', (args, message) => {
  const parse = () => parseOptions(args, WANTED);
  expect(parse).toThrow(OptionsError);
  expect(parse).toThrow(message);
});
