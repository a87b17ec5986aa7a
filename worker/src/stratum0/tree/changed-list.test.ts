import { expect, test } from 'vitest';
import { readChangedList } from './changed-list.ts';

test.each([
  ['a/b\nc d\n', ['a/b', 'c d']],
  ['a\nb\0c\0', ['a\nb', 'c']],
  ['>f.st...... dir/file\n*deleting   dir/gone/\ncd+++++++++ new/\n', ['dir/file', 'dir/gone/', 'new/']],
  ['deleting old\n', ['old', 'deleting old']],
  ['cL+++++++++ link -> ../target\n', ['link']],
  ['odd\\#012name\\#303\\#274\n', ['odd\nname\xc3\xbc', 'odd\\#012name\\#303\\#274']],
])('%j names all that may have changed', (list, paths) => {
  expect(readChangedList(Buffer.from(list, 'latin1'))).toEqual(expect.arrayContaining(paths));
});

test('an empty list names nothing', () => {
  expect(readChangedList(Buffer.alloc(0))).toEqual([]);
});

test.each(['..\n', 'a/../../b\n', 'fine\n/a/..\0'])('%j is refused: it leads out', (list) => {
  expect(() => readChangedList(Buffer.from(list))).toThrow('leads out');
});

test('where a link leads to is no path of the list', () => {
  expect(readChangedList(Buffer.from('cL+++++++++ a/link -> ../../target\n'))).not.toContainEqual(
    expect.stringMatching(/\.\./),
  );
});
