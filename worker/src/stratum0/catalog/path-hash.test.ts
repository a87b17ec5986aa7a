import { expect, test } from 'vitest';
import { hashPath } from './path-hash.ts';

// From catalogs that the stock tools have made.
test.each([
  ['', 338333539836370388n, 9098107892288553193n],
  ['nested', 135610778579351371n, -4043869090301518462n],
  ['names/with space', -7790295816928997442n, 6228724901401264627n],
  [Buffer.from('names/üñï/ñ').toString('latin1'), -873361497784231938n, -9184729507201922831n],
])('the key of "%s" is the one that the stock tools give it', (path, first, second) => {
  expect(hashPath(path)).toEqual({ first, second });
});
