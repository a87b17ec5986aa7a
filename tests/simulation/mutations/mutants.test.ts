import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';

test.each(MUTANTS)('can be planted: $name', ({ file, edits }) => {
  const text = readFileSync(join(import.meta.dirname, '../../..', file), 'utf8');
  for (const [find] of edits) expect(text.split(find)).toHaveLength(2);
});
