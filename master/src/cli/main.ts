#!/usr/bin/env node
import { processTerminal } from './process-terminal.ts';
import { run } from './program.ts';

const code = await run(process.argv.slice(2), processTerminal());
// Not waited for: connections that are kept for a next request that does not come.
process.exit(code);
