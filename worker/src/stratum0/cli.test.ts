import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from './cli.ts';
import { makeTree, REPOSITORY, type TestSite, testSite } from './testing/site.ts';

describe('the command line', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
  });
  afterEach(() => site.remove());

  async function command(line: string, input = ''): Promise<{ exit: number; out: string; error: string }> {
    const out: string[] = [];
    const error: string[] = [];
    const exit = await run(line.split(' '), {
      environment: { ICEFALL_STRATUM0_DIR: site.directory, ICEFALL_STRATUM0_OWNER: 'publish #12' },
      out: (text) => out.push(text),
      error: (text) => error.push(text),
      input: Readable.from([input]),
      stop: AbortSignal.abort(),
    });
    return { exit, out: out.join('\n'), error: error.join('\n') };
  }

  test('runs a transaction to its end with the verbs and exit codes of cvmfs_server', async () => {
    expect((await command(`transaction ${REPOSITORY}`)).exit).toBe(0);
    expect((await command('list')).out).toBe(`${REPOSITORY} (stratum0 / local - in transaction)`);
    const second = await command(`transaction ${REPOSITORY}/sub`);
    expect([second.exit, second.error]).toEqual([17, expect.stringContaining('opened by publish #12')]);
    expect((await command(`publish -a v1 -m first ${REPOSITORY}`)).exit).toBe(0);
    expect((await command(`publish ${REPOSITORY}`)).exit).toBe(22);
    expect((await command('list')).out).toBe(`${REPOSITORY} (stratum0 / local)`);
    expect((await command(`tag -l ${REPOSITORY}`)).out).toContain('v1\t');
    expect((await command(`info ${REPOSITORY}`)).out).toContain('Revision: 2');
    expect((await command(`check ${REPOSITORY}`)).exit).toBe(0);
    expect((await command(`resign -d 3 ${REPOSITORY}`)).out).toContain('Signed 3 day whitelist');
  });

  test('names, compares, takes back and collects revisions', async () => {
    await command(`transaction ${REPOSITORY}`);
    makeTree(site.paths.mount, { one: 'file 644 one' });
    await command(`publish -a v1 ${REPOSITORY}`);
    await command(`transaction ${REPOSITORY}`);
    makeTree(site.paths.mount, { one: 'file 644 changed', two: 'file 644 two' });
    await command(`publish ${REPOSITORY}`);
    expect((await command(`diff ${REPOSITORY}`)).out).toBe('M /one\n+ /two');
    expect((await command(`diff -s trunk -d v1 ${REPOSITORY}`)).out).toBe('M /one\n- /two');
    expect((await command(`tag -a v2 -m second ${REPOSITORY}`)).exit).toBe(0);
    expect((await command(`rollback -t v1 ${REPOSITORY}`)).out).toContain('revision 4 now');
    expect((await command(`tag -l ${REPOSITORY}`)).out).not.toContain('v2');
    expect((await command(`tag -r v1 ${REPOSITORY}`)).exit).toBe(0);
    expect((await command(`gc ${REPOSITORY}`)).out).toContain('Collected garbage');
    expect((await command(`check ${REPOSITORY}`)).out).toContain('no problems found');
    expect((await command(`rollback -t v9 ${REPOSITORY}`)).error).toContain('no tag "v9"');
  });

  test('aborts after a yes, or unasked with -f', async () => {
    await command(`transaction ${REPOSITORY}`);
    expect((await command(`abort ${REPOSITORY}`, 'n\n')).exit).toBe(4);
    expect((await command(`abort ${REPOSITORY}`, '')).exit).toBe(4);
    expect((await command(`abort ${REPOSITORY}`, 'y\n')).exit).toBe(0);
    await command(`transaction ${REPOSITORY}`);
    expect((await command(`abort -f ${REPOSITORY}`)).exit).toBe(0);
    expect((await command(`abort -f ${REPOSITORY}`)).exit).toBe(22);
  });

  test('lists repositories beside one that is not in order', async () => {
    writeFileSync(site.paths.transaction, '{');
    cpSync(site.paths.served, join(site.directory, 'srv', 'no-name'), { recursive: true });
    expect((await command('list')).out.split('\n')).toEqual([
      'no-name (stratum0 / local - bad_name)',
      `${REPOSITORY} (stratum0 / local - bad_state)`,
    ]);
  });

  test('does without the name where there is one repository', async () => {
    expect((await command('info')).out).toContain(REPOSITORY);
  });

  test.each([
    ['frobnicate', /"frobnicate" is not a command/],
    ['publish --wrong', /Unknown option '--wrong'/],
    [`gc -f -r 5 ${REPOSITORY}`, /gc does not take -r/],
    [`gc -t yesterday ${REPOSITORY}`, /gc does not take -t/],
    [`check --tag=v1 ${REPOSITORY}`, /check does not take --tag/],
    ['-f', /without a command does not take -f/],
    ['transaction missing.example', /missing\.example does not exist/],
    ['transaction Not_A_Name', /"Not_A_Name" is not a repository name/],
    ['transaction ../../etc', /not a repository name/],
    ['transaction a..example', /not a repository name/],
    [`mkfs ${'a'.repeat(57)}.org`, /at most 60 characters/],
    ['transaction Not_A_Name.Example', /Not_A_Name\.Example does not exist/],
    [`transaction ${REPOSITORY}/../x`, /leaves the repository/],
    [`resign -d soon ${REPOSITORY}`, /-d must be a whole number from 1 to 3650, not "soon"/],
    [`mkfs ${REPOSITORY}`, /exists already/],
    [`import -t ${REPOSITORY}`, /needs a new whitelist/],
    [`import -r -t ${REPOSITORY}`, /one of this stratum 0 already/],
    ['publish a.example b.example', /takes one repository/],
  ])('refuses "%s" with one clear line', async (line, message) => {
    const { exit, error } = await command(line);
    expect(exit).toBe(1);
    expect(error).toMatch(message);
    expect(error.split('\n')).toHaveLength(1);
  });

  test.each<[string, string, (site: TestSite) => void, RegExp]>([
    [
      'transaction',
      'what is missing',
      ({ paths }) => rmSync(join(paths.served, 'data/txn'), { recursive: true }),
      /ENOENT.*txn'.*again \[system_error\]/,
    ],
    [
      'transaction',
      'a lock that is none',
      ({ paths }) => writeFileSync(paths.lock, 'no lock'.repeat(99)),
      /lock cannot be used.*\[bad_state\]/,
    ],
    [
      'info',
      'a record that is none',
      ({ paths }) => writeFileSync(paths.transaction, '{'),
      /transaction\.json.*remove it, open.*\[bad_state\]/,
    ],
    [
      'print-stats',
      'statistics that are none',
      ({ paths }) => writeFileSync(paths.statistics, 'x'.repeat(999)),
      /stats\.db cannot be read.*remove it.*\[bad_state\]/,
    ],
    [
      'info',
      'a whitelist that is none',
      ({ paths }) => writeFileSync(paths.whitelist, ''),
      /\.cvmfswhitelist: no line.*"resign".*\[bad_signature\]/,
    ],
    [
      'info',
      'a manifest that is none',
      ({ paths }) => writeFileSync(paths.manifest, 'x'),
      /\.cvmfspublished: no line.*bring it back.*\[bad_signature\]/,
    ],
    [
      'info',
      'no manifest',
      ({ paths }) => rmSync(paths.manifest),
      /\.cvmfspublished is missing: bring it back.*\[bad_manifest\]/,
    ],
    [
      'mkfs',
      'no manifest',
      ({ paths }) => rmSync(paths.manifest),
      /\.cvmfspublished is missing: bring it back.*\[bad_manifest\]/,
    ],
    [
      'gc',
      'a reflog that is none',
      ({ paths }) => writeFileSync(paths.reflog, 'x'.repeat(999)),
      /\.cvmfsreflog is not a database.*remove it.*\[damaged_object\]/,
    ],
  ])('%s meets %s with one line that names it, and what to do', async (verb, _what, damage, message) => {
    damage(site);
    const { exit, error } = await command(`${verb} ${REPOSITORY}`);
    expect(exit).toBe(1);
    expect(error).toMatch(message);
    expect(error.split('\n')).toHaveLength(1);
  });
});
