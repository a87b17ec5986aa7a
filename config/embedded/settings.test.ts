import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSettings } from '../settings.ts';
import { type Home, homeAt } from './home.ts';
import { PLATFORMS, writeSettings } from './prepare.ts';

const PORTS = { page: 8010, workers: 9989, stratum0: 8000, rsync: 8730 };

describe('the settings of one machine', () => {
  let home: Home;
  beforeEach(() => {
    home = homeAt(mkdtempSync(join(tmpdir(), 'home-')));
  });
  afterEach(() => rmSync(home.directory, { recursive: true }));
  const settingsWith = (local: string) => {
    writeFileSync(home.localSettings, local);
    writeSettings(home, PORTS);
    return readSettings(home.settings);
  };

  test('are those of the site, with everything below the home', () => {
    writeSettings(home, PORTS);
    const settings = readSettings(home.settings);
    expect(settings.platforms).toEqual(PLATFORMS);
    expect(settings.paths.tree).toBe(home.tree);
    expect(settings.users).toBe('rsync://127.0.0.1:8730/users/');
  });

  test('take over what a person wants different, and are written anew at every start', () => {
    const settings = settingsWith('{ "variants": ["base_v1.0.0"], "platforms": ["debian13"] }');
    expect(settings).toMatchObject({ variants: ['base_v1.0.0'], platforms: ['debian13'] });
    expect(settings.paths.tree).toBe(home.tree);
    expect(settingsWith('{}').platforms).toEqual(PLATFORMS);
  });

  test('take one of a group over, and leave the others where they are', () => {
    const settings = settingsWith('{ "clock": { "users": "*/5 * * * *" }, "commands": { "rsync": ["cvmfs_rsync"] } }');
    expect(settings.clock).toMatchObject({ users: '*/5 * * * *', whitelist: '0 3 * * *' });
    expect(settings.commands).toEqual({ server: [join(home.bin, 'icefall-stratum0')], rsync: ['cvmfs_rsync'] });
  });

  test('tell a mistake in them with the file', () => {
    expect(() => settingsWith('{ "variants": ')).toThrow(/settings\.local\.json is no JSON/);
    expect(() => settingsWith('["base_v1.0.0"]')).toThrow(/settings\.local\.json must hold a JSON object/);
    expect(() => settingsWith('{ "platforms": ["sunos"] }')).toThrow(/settings\.json: platforms\.0/);
  });
});
