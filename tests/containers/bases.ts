import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { POLICY } from '@icefall/docker/policy';
import { buildah, hasImage } from './buildah.ts';

/** Where unpacked Debian releases are kept between runs: each is half a minute of downloads. */
const CACHE = process.env.ICEFALL_BASES ?? join(tmpdir(), 'icefall-bases');

/** Bases that can be made without a registry of images, with the Debian release that they are. */
const RELEASES: Readonly<Record<string, string>> = {
  'docker.io/library/debian:11-slim': 'bullseye',
  'docker.io/library/debian:12-slim': 'bookworm',
  'docker.io/library/debian:13-slim': 'trixie',
};

/** Whether an image can stand on this base here. */
export function canMake(base: string): boolean {
  return base in RELEASES || base === POLICY.node;
}

/** Makes stand-ins for the bases that are not in the local storage yet. */
export function makeBases(bases: readonly string[]): void {
  for (const base of [...new Set(bases)]) {
    if (hasImage(base)) continue;
    const release = RELEASES[base];
    if (release !== undefined) makeDebian(base, release);
    else if (base === POLICY.node) makeNode();
    else throw new Error(`${base} cannot be made here; there are: ${Object.keys(RELEASES).join(', ')}`);
  }
}

/** A Debian release from its archive. */
function makeDebian(base: string, release: string): void {
  const folder = join(CACHE, release);
  if (!existsSync(join(folder, 'etc', 'debian_version'))) {
    mkdirSync(CACHE, { recursive: true });
    rmSync(folder, { recursive: true, force: true });
    execFileSync('debootstrap', ['--variant=minbase', release, folder], { stdio: ['ignore', 2, 2] });
  }
  makeSlim(folder);
  const container = buildah('from', 'scratch');
  buildah('add', '-q', container, folder, '/');
  buildah('config', '--cmd', '/bin/bash', container);
  buildah('commit', '-q', container, base);
  buildah('rm', container);
}

/** As the official images that are called slim: without documentation, translations and what apt keeps. */
function makeSlim(folder: string): void {
  for (const kept of ['usr/share/info', 'usr/share/locale', 'usr/share/man', 'var/cache/apt', 'var/lib/apt/lists'])
    for (const name of readdirSync(join(folder, kept)))
      if (name !== 'locale.alias') rmSync(join(folder, kept, name), { recursive: true });
  const texts = join(folder, 'usr/share/doc');
  execFileSync('find', [texts, '-mindepth', '1', '!', '-type', 'd', '!', '-name', 'copyright', '-delete']);
}

/** Stands in for the official image of Node: Debian, the same binary from its package, npm. */
function makeNode(): void {
  makeBases([POLICY.debian]);
  const container = buildah('from', POLICY.debian);
  const npm = dirname(dirname(realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())));
  buildah('copy', '-q', container, realpathSync(process.execPath), '/usr/local/bin/node');
  buildah('copy', '-q', container, npm, '/usr/local/lib/node_modules/npm');
  for (const program of ['npm', 'npx'])
    buildah(
      ...['run', '--isolation', 'chroot', container, '--', 'ln', '-s'],
      ...[`../lib/node_modules/npm/bin/${program}-cli.js`, `/usr/local/bin/${program}`],
    );
  buildah('commit', '-q', container, POLICY.node);
  buildah('rm', container);
}
