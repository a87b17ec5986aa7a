import { expect, test } from 'vitest';
import { Shares } from './shares.ts';

test('what one may take is less than what there is, and is theirs again once they have given it back', () => {
  const shares = new Shares({ most: 10, mostOfOne: 6 });
  const giveBack = shares.take('a', 4);
  expect(giveBack).not.toBeNull();
  expect(shares.take('a', 3)).toBeNull();
  expect(shares.take('b', 6)).not.toBeNull();
  expect(shares.take('c')).toBeNull();
  giveBack?.();
  giveBack?.();
  expect(shares.take('a', 5)).toBeNull();
  expect(shares.take('a', 4)).not.toBeNull();
});

test('somebody without a name may take all that there is', () => {
  const shares = new Shares({ most: 10, mostOfOne: 6 });
  expect(shares.take(null, 10)).not.toBeNull();
  expect(shares.take(null)).toBeNull();
});
