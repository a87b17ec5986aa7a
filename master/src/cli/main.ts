#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// A report of a crash must not hold secrets that are kept in the environment.
Reflect.set(process.report, 'excludeEnv', true);
// What was compiled is kept beside the packages: half of a command's time is that. Where nothing can be written, it is
// compiled each time.
enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/icefall'));
// Imported only now, so that the cache is there for them.
const [{ processTerminal }, { run }] = await Promise.all([import('./process-terminal.ts'), import('./program.ts')]);

const code = await run(process.argv.slice(2), processTerminal());
// A pipe has taken what it has room for; the rest is written as its reader reads.
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((written) => stream.write('', () => written()));
// Not waited for: connections that are kept for a next request that does not come.
process.exit(code);
