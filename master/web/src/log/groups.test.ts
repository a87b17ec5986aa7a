import { LOG_MARKS } from '@icefall/shared/log-marks';
import { expect, test } from 'vitest';
import { groupsOf, markOf, marksOf } from './groups.ts';

const lines = (...texts: string[]) => texts.map((text, n) => ({ n, text }));
const brief = (...texts: string[]) =>
  groupsOf(marksOf(lines(...texts)), texts.length).map(({ first, last, title, depth }) => [first, last, title, depth]);

test('groups end where they say, and may lie in each other', () => {
  expect(brief('x', '::group::Outer', '##[group]Inner', 'y', '##[endgroup]', '::endgroup::', 'z')).toEqual([
    [1, 5, 'Outer', 0],
    [2, 4, 'Inner', 1],
  ]);
});

test('sections carry their name, their title and whether they are folded', () => {
  const start = 'section_start:1560896352:my_step[collapsed=true]\r\u001b[0KHeader of it';
  expect(markOf(start)).toEqual({ kind: 'begin', title: 'Header of it', isFolded: true });
  expect(markOf('section_start:1:bare\r\u001b[0K')).toEqual({ kind: 'begin', title: 'bare', isFolded: false });
  expect(markOf('\u001b[0Ksection_end:1560896353:my_step\r\u001b[0K')).toEqual({ kind: 'end' });
});

test('a header ends the one before, the last one reaches to the end, and differences of files are none', () => {
  expect(brief('--- Setup', 'a', '+++ Build', '--- a/file', '+++ b/file', 'b')).toEqual([
    [0, 1, 'Setup', 0],
    [2, 5, 'Build', 0],
  ]);
  expect(markOf('+++ Build')).toMatchObject({ isFolded: false });
  expect(markOf('~~~ Quiet')).toMatchObject({ isFolded: true });
});

test('an end without a beginning, and a beginning without an end, hurt nobody', () => {
  expect(brief('::endgroup::', '::group::Open', 'x')).toEqual([[1, 2, 'Open', 0]]);
});

test('the expression for the search finds all marks', () => {
  const marks = [
    '::group::a',
    '##[endgroup]',
    '--- a',
    'section_start:1:a\r',
    '\u001b[0Ksection_end:1:a',
    '\u001b[36m+++ b',
  ];
  expect(marks.filter((mark) => !new RegExp(LOG_MARKS, 'i').test(mark))).toEqual([]);
  expect(new RegExp(LOG_MARKS, 'i').test('a ::group::')).toBe(false);
});
