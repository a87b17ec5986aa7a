import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { variantPath } from '../software.ts';
import { prepareSources } from './sources.ts';

const SCRIPTS = join(import.meta.dirname, 'build-scripts');

// The variant `base_v1.0.0`, which is built in about two seconds; the one with SQLite is built by the end-to-end tests.
describe('the build scripts', () => {
  let directory: string;
  let scripts: string;
  let tree: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'build-scripts-'));
    prepareSources(join(directory, 'sources'));
    tree = join(directory, 'tree');
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(() => {
    scripts = join(directory, 'scripts');
    rmSync(scripts, { recursive: true, force: true });
    cpSync(SCRIPTS, scripts, { recursive: true });
  });

  function build(args: readonly string[], env: Record<string, string> = {}) {
    const result = spawnSync(
      join(scripts, 'builders/build.sh'),
      ['--src', 'software.icefall.example', '--dest', tree, ...args],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env.PATH,
          PLATFORM: 'alma9',
          CPUS: '2',
          ICEFALL_SOURCES: join(directory, 'sources'),
          ...env,
        },
      },
    );
    return { exit: result.status, out: result.stdout, error: result.stderr };
  }
  const base = ['--variant', 'base_v1.0.0', '--svnup', 'False'];
  const prefix = () => join(tree, variantPath('base_v1.0.0'), 'alma9');

  test('build, install and try real software', () => {
    const { exit, out } = build(base);
    expect(exit).toBe(0);
    expect(out).toContain('argon2sum gives the known hash');
    expect(readFileSync(join(prefix(), 'share/toolchain.txt'), 'utf8')).toMatch(/platform: alma9\ncompiler: /);
    const hash = spawnSync(join(prefix(), 'bin/argon2sum'), ['password', 'somesalt'], { encoding: 'utf8' });
    expect(hash.stdout.trim()).toBe('c1628832147d9720c5bd1cfd61367078729f6dfb6f8fea9ff98158e0d7816ed0');
  });

  test('leave what has not changed as it is, and build it anew at night', () => {
    build(base);
    const before = statSync(join(prefix(), 'lib/libargon2.a')).mtimeMs;
    const second = build(base);
    expect(second.out.match(/is up to date/g)).toHaveLength(2);
    expect(statSync(join(prefix(), 'lib/libargon2.a')).mtimeMs).toBe(before);
    expect(build([...base, '--nightly']).out).not.toContain('up to date');
  });

  test('build a package again when its recipe or the flags of the platform change', () => {
    build(base);
    appendFileSync(join(scripts, 'packages/argon2/argon2sum.c'), '/* changed */\n');
    const { out } = build(base);
    expect(out).toContain('toolchain 1.0 is up to date');
    expect(out).not.toMatch(/argon2 .* is up to date/);
    writeFileSync(join(scripts, 'platforms/alma9.sh'), 'CFLAGS=-O0\nLDFLAGS=\n');
    expect(build(base).out).not.toContain('up to date');
  });

  test('give the same bytes for the same sources', () => {
    build(base);
    const read = () =>
      ['lib/libargon2.so.1', 'bin/argon2sum', 'lib/libargon2.a'].map((file) => readFileSync(join(prefix(), file)));
    const first = read();
    build([...base, '--nightly']);
    expect(read()).toEqual(first);
  });

  test('only bring the sources into the tree when told so', () => {
    const { exit } = build(['--variant', 'tools_v1.1.0_metaproject', '--svnup', 'True', '--svnonly', 'True']);
    expect(exit).toBe(0);
    expect(existsSync(join(tree, '.sources/tools-v1.1.0/sqlite/sqlite3.c'))).toBe(true);
    expect(existsSync(join(tree, 'tools-v1.1.0'))).toBe(false);
  });

  test('fail on a platform that has a .fail file, after some real work', () => {
    writeFileSync(join(scripts, 'platforms/alma9.fail'), 'planted');
    const { exit, out, error } = build(base);
    expect(exit).toBe(1);
    expect(out).toContain('toolchain: planted');
    expect(error).toContain('fails on purpose');
    expect(build(base, { PLATFORM: 'debian12' }).exit).toBe(0);
  });

  test('fail when a compiler fails, naming the package', () => {
    appendFileSync(join(scripts, 'packages/argon2/argon2sum.c'), 'this is not C\n');
    const { exit, error } = build(base);
    expect(exit).toBe(1);
    expect(error).toMatch(/argon2 \S+: "make all" failed on alma9/);
  });

  test.each([
    [['--variant', 'unknown'], /no variant "unknown"; there are: base_v1\.0\.0/],
    [['--variant', '../x'], /cannot be the name of a variant/],
    [['--variant', 'base_v1.0.0', '--colour'], /unknown option "--colour"/],
    [[], /are needed/],
  ])('refuse %j', (args, message) => {
    const { exit, error } = build(args);
    expect(exit).toBe(1);
    expect(error).toMatch(message);
  });

  test('name the platforms there are when asked for another', () => {
    expect(build(base, { PLATFORM: 'beos' }).error).toMatch(/no platforms\/beos\.sh.*alma8 alma9/);
  });

  test('set up a shell wherever the tree is', () => {
    build(base);
    const copy = join(directory, 'elsewhere');
    cpSync(join(tree, 'base-v1.0.0'), copy, { recursive: true, verbatimSymlinks: true });
    const shell = spawnSync(
      'sh',
      [
        '-c',
        '. "$ICEFALL_RELEASE/setup.sh" && command -v argon2sum && icefall-cc -x c - -o probe -largon2 <<X\nint main(void) { return 0; }\nX',
      ],
      {
        encoding: 'utf8',
        cwd: directory,
        env: { PATH: process.env.PATH, ICEFALL_RELEASE: copy },
      },
    );
    expect(shell.stderr).toBe('');
    expect(shell.stdout.trim()).toBe(join(copy, 'alma9/bin/argon2sum'));
  });
});
