import { createHash } from 'node:crypto';
import type { Configuration, SiteDescription } from '@icefall/shared';
import { describeSite } from '../config/description.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { fromColumn } from '../db/rows.ts';
import type { Core } from './core.ts';

/** Versions that are kept: years of reloads; beyond them a build's configuration is known by its number only. */
const MOST_CONFIG_VERSIONS = 1000;

interface VersionRow {
  readonly version: number;
  readonly applied_at: number;
  readonly description: string;
}

/** A description as it is stored. Made once for each site: a simulation opens the same one many times. */
const stored = new WeakMap<SiteDeclaration, { readonly digest: string; readonly text: string }>();

function storedOf(site: SiteDeclaration) {
  let known = stored.get(site);
  if (known === undefined) {
    const text = JSON.stringify(describeSite(site));
    known = { text, digest: createHash('sha256').update(text).digest('hex') };
    stored.set(site, known);
  }
  return known;
}

/** Takes the number that follows the last one: numbers rise over restarts. Inside a turn. */
export function nextConfigVersion(core: Core, site: SiteDeclaration): number {
  const known = core.db.one<{ value: string }>("SELECT value FROM meta WHERE key = 'config_version'")?.value ?? '0';
  const version = Number(known) + 1;
  noteConfigVersion(core, version, site);
  return version;
}

/** Remembers the configuration in force, by its number. Inside a turn. */
export function noteConfigVersion(core: Core, version: number, site: SiteDeclaration): void {
  const { db } = core;
  db.run(
    "INSERT INTO meta (key, value) VALUES ('config_version', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    String(version),
  );
  const { digest, text } = storedOf(site);
  db.run('INSERT OR IGNORE INTO config_descriptions (digest, description) VALUES (?, ?)', digest, text);
  db.run(
    'INSERT OR REPLACE INTO config_versions (version, applied_at, digest) VALUES (?, ?, ?)',
    version,
    core.now(),
    digest,
  );
  forgetOld(core, version - MOST_CONFIG_VERSIONS);
}

function forgetOld({ db }: Core, last: number): void {
  if (db.run('DELETE FROM config_versions WHERE version <= ?', last).changes === 0) return;
  db.run('DELETE FROM config_descriptions WHERE digest NOT IN (SELECT digest FROM config_versions)');
}

/** What was in force under a number; null where it was never, or is forgotten. */
export function configurationOf({ db }: Core, version: number): Configuration | null {
  const row = db.one<VersionRow>(
    'SELECT version, applied_at, description FROM config_versions JOIN config_descriptions USING (digest) WHERE version = ?',
    version,
  );
  if (row === null) return null;
  return { version, appliedAt: row.applied_at, site: fromColumn<SiteDescription>(row.description) };
}
