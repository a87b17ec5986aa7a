// Makes the agent one file that plain `node` runs: worker/dist/icefall-worker.cjs.
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const worker = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(worker, 'dist', 'icefall-worker.cjs');

await build({
  input: join(worker, 'src', 'main.ts'),
  platform: 'node',
  // Optional speed-ups of ws, which the worker does without: it has no native dependency.
  external: ['bufferutil', 'utf-8-validate'],
  output: { file, format: 'cjs', minify: false, codeSplitting: false },
  logLevel: 'warn',
});
await chmod(file, 0o755);
process.stdout.write(`${file}\n`);
