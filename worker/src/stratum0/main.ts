#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Most of a short command's time would go into reading its own source.
enableCompileCache();
const { run } = await import('./cli.ts');

const args = process.argv.slice(2);
const stop = new AbortController();
// The other commands end with the signal at once: their work may be cut off anywhere.
if (args.includes('serve'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

// Nobody reads on (`publish | head`): that is no reason to stop a publish.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

process.exitCode = await run(args, {
  environment: process.env,
  out: (line) => process.stdout.write(`${line}\n`),
  error: (line) => process.stderr.write(`${line}\n`),
  input: process.stdin,
  stop: stop.signal,
});
