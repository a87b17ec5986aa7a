// Every static check, one command: types of server and page, lint and formatting, the rules of the
// house, and what is installed of other people's work.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { houseFaults } from './house/rules.ts';
import { supplyChainFaults } from './supply-chain.ts';

const root = join(import.meta.dirname, '..');

const checks: { name: string; command: string; args: string[] }[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit', '-p', '.'] },
  { name: 'lint and format', command: 'biome', args: ['check', '--diagnostic-level=error', '.'] },
];
if (existsSync(join(root, 'master/web/src')))
  checks.splice(1, 0, { name: 'types of the page', command: 'tsc', args: ['--noEmit', '-p', 'master/web'] });

let failed = 0;
for (const { name, command, args } of checks) {
  const program = join(root, 'node_modules', '.bin', command);
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  process.stderr.write(`check: ${name}: ${status === 0 ? 'ok' : 'FAILED'}\n`);
  if (status !== 0) failed += 1;
}

const rules = {
  'rules of the house': houseFaults,
  'licences, install scripts, registries': supplyChainFaults,
};
for (const [name, faultsOf] of Object.entries(rules)) {
  const faults = faultsOf(root);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.stderr.write(`check: ${name}: ${faults.length === 0 ? 'ok' : 'FAILED'}\n`);
  if (faults.length > 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
