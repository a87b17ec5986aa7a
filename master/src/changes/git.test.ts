import { expect, test } from 'vitest';
import { withoutPasswords } from './git.ts';

test('what Git says holds no passwords of addresses', () => {
  const said =
    "fatal: unable to access 'https://user:secret@host/x.git/': git+ssh://me:other@h and https://host:8080/a@b";
  expect(withoutPasswords(said)).toBe(
    "fatal: unable to access 'https://user@host/x.git/': git+ssh://me@h and https://host:8080/a@b",
  );
});

// What a server sends is told as it is. Whoever looks for an address from each of its characters is busy for hours.
test('megabytes of one word that a server says are read at once', () => {
  const word = 'a'.repeat(4_000_000);
  expect(withoutPasswords(word)).toBe(word);
});
