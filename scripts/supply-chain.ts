// What other people's packages may be: their licences, what they run when they are installed, where they come from.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type InstalledPackage, installedPackages } from './packages.ts';

/** Licences that ask for no more than to be named; MPL-2.0 and CC-BY-4.0 are those of tools whose files are not changed. */
const LICENCES = new Set([
  ...[
    'MIT',
    'MIT-0',
    'ISC',
    'BSD-2-Clause',
    'BSD-3-Clause',
    '0BSD',
    'BlueOak-1.0.0',
    'Apache-2.0',
    'Unlicense',
    'Zlib',
  ],
  ...['CC0-1.0', 'CC-BY-4.0', 'MPL-2.0', 'Python-2.0', 'PSF-2.0'],
]);

/** What is wrong with a package; empty where nothing is. `mayRun`: whether it is named, with yes or no, in `allowBuilds`. */
export function faultsOf(one: InstalledPackage, decided: ReadonlySet<string>): string[] {
  const who = `${one.name}@${one.version}`;
  const faults: string[] = [];
  const choices = one.licence.replace(/[()]/g, '').split(/ OR /);
  // Of alternatives one is enough; of what is joined, all.
  if (!choices.some((choice) => choice.split(/ AND /).every((name) => LICENCES.has(name))))
    faults.push(
      `${who} has the licence ${JSON.stringify(one.licence)}; take another package, or allow it in scripts/supply-chain.ts`,
    );
  if (one.installScripts.length > 0 && !decided.has(one.name))
    faults.push(
      `${who} runs ${one.installScripts.join(', ')} when it is installed; decide in pnpm-workspace.yaml, allowBuilds`,
    );
  return faults;
}

/** Names under `allowBuilds`. */
export function decidedBuilds(workspace: string): ReadonlySet<string> {
  const [, block = ''] = /^allowBuilds:\n((?: {2}.*\n?)*)/m.exec(workspace) ?? [];
  return new Set([...block.matchAll(/^ {2}['"]?([^'":]+)['"]?: (?:true|false)$/gm)].map(([, name]) => name ?? ''));
}

/** An address of a registry, which would be that of one machine's network. */
const REGISTRY = /registry\s*[=:]\s*["']?https?:|^\s+(resolution|tarball): .*https?:|\/\/[\w.-]+\/[^\s"']+\.tgz\b/m;

/** Files of the repository in which a registry is named. */
export function filesWithRegistry(root: string): string[] {
  const files = execFileSync('git', ['ls-files', '-z', '*.yaml', '*.yml', '*.json', '*.npmrc', '.npmrc'], {
    cwd: root,
  });
  return files
    .toString()
    .split('\0')
    .filter(
      (file) => file !== '' && existsSync(join(root, file)) && REGISTRY.test(readFileSync(join(root, file), 'utf8')),
    );
}

/** Everything that is wrong, in words. */
export function supplyChainFaults(root: string): string[] {
  const decided = decidedBuilds(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'));
  return [
    ...installedPackages(root).flatMap((one) => faultsOf(one, decided)),
    ...filesWithRegistry(root).map(
      (file) => `${file} names a registry; install with the plain registry setting and commit again`,
    ),
  ];
}
