import { writeFileSync } from 'node:fs';
import { runBench } from './bench.ts';
import { HELP, parseOptions, type RunOptions } from './options.ts';
import { tableOf } from './report/table.ts';

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

async function main(): Promise<number> {
  let options: RunOptions | 'help';
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\nTry --help\n`);
    return EXIT.usage;
  }
  if (options === 'help') {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const { cases, quick, repeat, json } = options;
  const report = await runBench({ cases, quick, repeat, say: (text) => process.stderr.write(`${text}\n`) });
  const text = `${JSON.stringify(report, null, 2)}\n`;
  process.stdout.write(json === '-' ? text : tableOf(report));
  if (json !== null && json !== '-') writeFileSync(json, text);
  return report.cases.some(({ error }) => error !== null) ? EXIT.failed : EXIT.ok;
}

// What runs is ended and what lies on the disk removed on exit, whatever causes it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(EXIT.interrupted));

process.exitCode = await main();
