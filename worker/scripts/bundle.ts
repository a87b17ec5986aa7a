// Makes the agent one file that plain `node` runs, worker/dist/icefall-worker.cjs, and the client of a gateway another one.
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const worker = dirname(dirname(fileURLToPath(import.meta.url)));
const PROGRAMS = { 'icefall-worker': 'main.ts', 'icefall-gateway': 'gateway/main.ts' };

for (const [program, source] of Object.entries(PROGRAMS)) {
  const file = join(worker, 'dist', `${program}.cjs`);
  await build({
    input: join(worker, 'src', source),
    platform: 'node',
    // Optional speed-ups of ws, which the worker does without: it has no native dependency.
    external: ['bufferutil', 'utf-8-validate'],
    output: { file, format: 'cjs', minify: false, codeSplitting: false },
    logLevel: 'warn',
  });
  await chmod(file, 0o755);
  process.stdout.write(`${file}\n`);
}
