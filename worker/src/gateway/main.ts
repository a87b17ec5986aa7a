#!/usr/bin/env node
import { run } from './cli.ts';

const terminal = {
  environment: process.env,
  out: (line: string) => process.stdout.write(`${line}\n`),
  error: (line: string) => process.stderr.write(`${line}\n`),
};
// Without a wait at the top level: it is also bundled as one file, in which there can be none.
void run(process.argv.slice(2), terminal).then((code) => {
  process.exitCode = code;
});
