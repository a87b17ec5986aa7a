import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from './home.ts';

/** Folders that stand in for other servers: the users' space, sources of data, the backup. */
const MODULES = { users: 'yes', data: 'yes', backup: 'no' } as const;

/** What is in them at first; `-> ` begins the target of a symbolic link. */
const SAMPLES: Readonly<Record<string, string>> = {
  'users/alice/README': 'Analyses of the 2026 season.\n',
  'users/alice/analysis/fit.py': '#!/usr/bin/env python3\nprint("chi2/ndf = 1.02")\n',
  'users/alice/analysis/latest.py': '-> fit.py',
  'users/bob/notes.txt': 'Remember to tag the release.\n',
  'data/gcd/GeoCalibDetectorStatus_2026.txt': 'strings 86\n',
  'data/test-data/event.txt': 'run 1 event 1 charge 42\n',
  'data/tables/photons.txt': 'depth 1500 scattering 0.98\n',
};

/** Makes the folders with samples, and the daemon's configuration. What is there already is left as it is. */
export function prepareRsync(home: Home, port: number): string {
  for (const name of Object.keys(MODULES)) {
    const folder = join(home.rsync, name);
    if (existsSync(folder)) continue;
    mkdirSync(folder, { recursive: true });
    for (const [path, content] of Object.entries(SAMPLES).filter(([path]) => path.startsWith(`${name}/`)))
      writeSample(join(home.rsync, path), content);
  }
  const file = join(home.rsync, 'rsyncd.conf');
  writeFileSync(file, configuration(home, port));
  return file;
}

function writeSample(path: string, content: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  if (content.startsWith('-> ')) symlinkSync(content.slice(3), path);
  else writeFileSync(path, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
}

/** Loopback only, without root: no chroot, no change of user, links as they are. */
function configuration(home: Home, port: number): string {
  const modules = Object.entries(MODULES).map(
    ([name, readOnly]) => `[${name}]\n  path = ${join(home.rsync, name)}\n  read only = ${readOnly}\n`,
  );
  const common = [
    'address = 127.0.0.1',
    `port = ${port}`,
    'use chroot = no',
    'munge symlinks = no',
    'reverse lookup = no',
    // Started by root, the daemon would serve as nobody, who may not write the backup.
    ...(process.getuid?.() === 0 ? ['uid = 0', 'gid = 0'] : []),
  ];
  return `${common.join('\n')}\n\n${modules.join('\n')}`;
}
