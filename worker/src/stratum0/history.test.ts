import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { decodeHistory, encodeHistory, type Tag } from './history.ts';

const tag = (name: string, revision: number, description = ''): Tag => ({
  name,
  root: 'ab'.repeat(20),
  revision,
  publishedAt: 1_700_000_000 + revision,
  description,
  rootSizeBytes: 4096,
});

/** The history as somebody else has changed it. */
function changed(image: Uint8Array, sql: string): Uint8Array {
  const database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  database.deserialize(image);
  database.exec(sql);
  return database.serialize();
}

describe('a history', () => {
  const tags = [tag('b', 3, 'größer'), tag('a', 2), tag('c', 2)];
  const image = encodeHistory('a.example', tags);

  test('is read as it was written, newest revision first', () => {
    expect(decodeHistory(image)).toEqual(tags);
  });

  test('is read without a table of branches too, as it was made once', () => {
    expect(decodeHistory(changed(image, 'DROP TABLE branches'))).toEqual(tags);
  });

  test('with branches is refused by name', () => {
    const branched = changed(image, "INSERT INTO branches VALUES ('fix', '', 2)");
    expect(() => decodeHistory(branched)).toThrow(
      expect.objectContaining({ code: 'bad_history', message: expect.stringContaining('branch "fix"') }),
    );
  });
});
