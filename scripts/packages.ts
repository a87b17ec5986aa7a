// What is installed of other people's work, as it lies on the disk and as the lockfile names it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package that somebody else made. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as the package says; empty where it says nothing. */
  readonly licence: string;
  /** Scripts that it would run when it is installed. */
  readonly installScripts: readonly string[];
  /** `sha512-…` of its archive, from the lockfile. */
  readonly integrity: string;
}

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/** All packages of the lockfile that are installed, by name and version. What an earlier install left is not looked at. */
export function installedPackages(root: string): InstalledPackage[] {
  const lock = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
  const found = new Map<string, InstalledPackage>();
  const store = join(root, 'node_modules/.pnpm');
  for (const place of readdirSync(store)) {
    if (place === 'node_modules') continue;
    for (const folder of packageFolders(join(store, place, 'node_modules'))) {
      const one = readPackage(folder, lock);
      if (one !== null) found.set(`${one.name}@${one.version}`, one);
    }
  }
  return [...found.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf({ name, version }: InstalledPackage): string {
  return `${name}@${version}`;
}

/** Folders of packages, those of scopes (`@scope/name`) among them; links lead to packages that have a place of their own. */
function packageFolders(modules: string): string[] {
  if (!existsSync(modules)) return [];
  return readdirSync(modules, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory() || entry.name.startsWith('.')) return [];
    const path = join(modules, entry.name);
    return entry.name.startsWith('@') ? packageFolders(path) : [path];
  });
}

function readPackage(folder: string, lock: string): InstalledPackage | null {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return null;
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'));
  const { name, version } = manifest;
  if (typeof name !== 'string' || typeof version !== 'string') return null;
  const scripts =
    typeof manifest.scripts === 'object' && manifest.scripts !== null ? Object.keys(manifest.scripts) : [];
  const integrity = integrityOf(lock, `${name}@${version}`);
  if (integrity === null) return null;
  return {
    name,
    version,
    licence: licenceOf(manifest),
    installScripts: scripts.filter((script) => INSTALL_SCRIPTS.includes(script)),
    integrity,
  };
}

/** Old packages have an object, or a list of objects. */
function licenceOf({ license, licenses }: Record<string, unknown>): string {
  const stated: unknown = license ?? licenses ?? '';
  const typeOf = (one: unknown) => (typeof one === 'object' && one !== null ? String(Reflect.get(one, 'type')) : one);
  return Array.isArray(stated) ? stated.map((one) => String(typeOf(one))).join(' OR ') : String(typeOf(stated));
}

function integrityOf(lock: string, key: string): string | null {
  for (const written of [`\n  ${key}:\n`, `\n  '${key}':\n`]) {
    const at = lock.indexOf(written);
    const [, integrity] =
      at === -1 ? [] : (/^ {4}resolution: \{integrity: ([^,}]+)/m.exec(lock.slice(at, at + 400)) ?? []);
    if (integrity !== undefined) return integrity;
  }
  return null;
}
