// Fills the pages' blocks with the examples' text again: node docs/examples/fill.ts
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCS, filled } from './blocks.ts';

for (const name of readdirSync(DOCS).filter((file) => file.endsWith('.md'))) {
  const page = readFileSync(join(DOCS, name), 'utf8');
  const now = filled(page);
  if (now !== page) writeFileSync(join(DOCS, name), now);
}
