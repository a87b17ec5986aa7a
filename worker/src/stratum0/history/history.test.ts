import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { advanceHistory, decodeHistory, encodeHistory, type Tag } from './history.ts';

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

describe('a publish without a tag', () => {
  const newest = { root: 'cd'.repeat(20), revision: 9, publishedAt: 1_700_000_000, rootSizeBytes: 1 };
  const names = (tags: readonly Tag[]) =>
    advanceHistory(tags, newest, null).map(({ name, revision }) => `${name} ${revision}`);

  test('names its revision by the time, also a second one in that second', () => {
    const time = '2023-11-14T22:13:20Z';
    expect(names([])).toEqual([`generic-${time} 9`, 'trunk 9']);
    const before = [`generic-${time}`, `generic_1-${time}`].map((name, i) => tag(name, 7 + i));
    expect(names(before)).toEqual([`generic_2-${time} 9`, 'trunk 9', `generic-${time} 7`, `generic_1-${time} 8`]);
  });

  test('removes such names after 30 days, and none that only begin like them', () => {
    const old = (name: string, days: number) => ({ ...tag(name, 1), publishedAt: newest.publishedAt - days * 86_400 });
    const kept = names([
      old('generic-2023-10-01T00:00:00Z', 31),
      old('generic_3-2023-10-01T00:00:00Z', 31),
      old('generic-2023-10-20T00:00:00Z', 29),
      old('generic-linux', 400),
      old('v1', 400),
    ]);
    expect(kept.slice(2)).toEqual(['generic-2023-10-20T00:00:00Z 1', 'generic-linux 1', 'v1 1']);
  });
});

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
