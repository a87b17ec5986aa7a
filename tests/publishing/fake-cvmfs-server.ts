#!/usr/bin/env node
/**
 * A FAKE of `cvmfs_server` 2.12, for tests only, and it says so in everything it prints. It publishes nothing: it keeps
 * one file of state for each repository and checks that it is called in the order and with the arguments that the
 * documented command line allows (CernVM-FS technical documentation, "Creating a Repository" and "Repository Gateway").
 * Whatever it does not know, it refuses. Folder of its state: FAKE_CVMFS_DIR. Its calls are written to `calls` there.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const home = process.env.FAKE_CVMFS_DIR ?? '';
/** Options of each verb, by letter: with a value or not. */
const VERBS: Readonly<Record<string, Readonly<Record<string, 'string' | 'boolean'>>>> = {
  list: {},
  transaction: { r: 'string', T: 'string' },
  publish: { a: 'string', c: 'string', m: 'string', p: 'boolean', v: 'boolean', n: 'string', f: 'boolean' },
  abort: { f: 'boolean', e: 'boolean' },
  ingest: { t: 'string', b: 'string', d: 'string', c: 'boolean' },
  resign: { d: 'string', f: 'boolean', p: 'boolean' },
  tag: { a: 'string', m: 'string', r: 'string', f: 'boolean', l: 'boolean', h: 'string', x: 'boolean', b: 'boolean' },
  rollback: { t: 'string', f: 'boolean' },
  gc: { r: 'string', t: 'string', d: 'boolean', l: 'boolean', L: 'string', f: 'boolean' },
  check: { c: 'boolean', i: 'boolean', s: 'string', t: 'string', r: 'boolean' },
  'print-stats': { o: 'string', s: 'string', t: 'string' },
};

interface State {
  revision: number;
  open: boolean;
  tags: string[];
}

function fail(message: string): never {
  process.stderr.write(`FAKE cvmfs_server: ${message}\n`);
  process.exit(1);
}

const stateFile = (name: string) => join(home, 'etc', `${name}.json`);
const read = (name: string): State => JSON.parse(readFileSync(stateFile(name), 'utf8'));
const write = (name: string, state: State) => writeFileSync(stateFile(name), JSON.stringify(state));
const say = (line: string) => process.stdout.write(`FAKE cvmfs_server: ${line}\n`);

function publishRevision(name: string, state: State): void {
  const revision = state.revision + 1;
  write(name, { ...state, revision, open: false });
  const root = createHash('sha1').update(`${name} ${revision}`).digest('hex');
  mkdirSync(join(home, 'srv', name), { recursive: true });
  const manifest = `C${root}\nB4096\nRd41d8cd98f00b204e9800998ecf8427e\nD240\nS${revision}\nN${name}\nT1700000000\n`;
  writeFileSync(
    join(home, 'srv', name, '.cvmfspublished'),
    Buffer.concat([Buffer.from(`${manifest}--\nffff\n`), Buffer.from([0xff, 0xfe])]),
  );
  say(`published revision ${revision}`);
}

function inTransaction(name: string, state: State): void {
  if (!state.open) fail(`Repository ${name} is not in a transaction`);
}

function noTransaction(name: string, state: State): void {
  if (state.open) fail(`Repository ${name} is already in a transaction`);
}

const NEEDS_NAME = new Set(Object.keys(VERBS).filter((verb) => verb !== 'list'));
type Values = Readonly<Record<string, string | boolean | undefined>>;

const ACTIONS: Readonly<Record<string, (name: string, state: State, values: Values, path: string) => void>> = {
  transaction(name, state, _values, path) {
    noTransaction(name, state);
    if (path !== '' && process.env.FAKE_CVMFS_GATEWAY !== 'yes')
      say(`the path ${path} means nothing without a gateway`);
    write(name, { ...state, open: true });
    mkdirSync(join(home, 'cvmfs', name), { recursive: true });
    say(`opened a transaction on ${name}`);
  },
  publish(name, state, { a: tag }) {
    inTransaction(name, state);
    if (existsSync(join(home, 'cvmfs', name, 'refuse'))) fail('this tree cannot be published');
    publishRevision(name, typeof tag === 'string' ? { ...state, tags: [...state.tags, tag] } : state);
  },
  abort(name, state, { f: isForced }) {
    inTransaction(name, state);
    if (isForced !== true) fail('abort without -f asks a person');
    write(name, { ...state, open: false });
    say(`aborted the transaction on ${name}`);
  },
  ingest(name, state, { t: tar, b: base }) {
    noTransaction(name, state);
    if (typeof tar !== 'string' || typeof base !== 'string') fail('ingest takes -t TARBALL and -b DIRECTORY');
    if (base.startsWith('/')) fail('the base directory is relative');
    if (!readFileSync(tar).includes('ustar')) fail(`${tar} is no tar archive`);
    publishRevision(name, state);
  },
  resign(name) {
    say(`resigned the whitelist of ${name}`);
  },
  tag(name, state, { a: add, r: remove, f: isForced }) {
    noTransaction(name, state);
    if (typeof add === 'string') write(name, { ...state, tags: [...state.tags, add] });
    else if (typeof remove === 'string' && isForced === true)
      write(name, { ...state, tags: state.tags.filter((tag) => tag !== remove) });
    else fail('tag takes -a TAG, or -f -r TAG (without -f it asks a person)');
  },
  rollback(name, state, { t: tag, f: isForced }) {
    noTransaction(name, state);
    if (isForced !== true) fail('rollback without -f asks a person');
    if (typeof tag === 'string' && !state.tags.includes(tag)) fail(`no tag ${tag}`);
    publishRevision(name, state);
  },
  gc(name, state, { f: isForced }) {
    noTransaction(name, state);
    if (isForced !== true) fail('gc without -f asks a person');
    say(`collected the garbage of ${name}`);
  },
  check(name) {
    say(`no problems found in ${name}`);
  },
  'print-stats'(_name, state) {
    const columns = [
      'publish_id',
      'revision',
      'files_added',
      'files_removed',
      'files_changed',
      'sz_bytes_added',
      'sz_bytes_uploaded',
    ];
    process.stdout.write(`${columns.join('|')}\n0|1|9|9|9|9|9\n1|${state.revision}|34|2|1|5000|1200\n`);
  },
};

function main([verb = '', ...args]: readonly string[]): void {
  appendFileSync(join(home, 'calls'), `${JSON.stringify([verb, ...args])}\n`);
  const options = VERBS[verb];
  if (options === undefined) fail(`no verb "${verb}"`);
  const declared = Object.fromEntries(
    Object.entries(options).map(([letter, type]) => [letter, { type, short: letter }]),
  );
  const { values, positionals } = parseArgs({ args: [...args], options: declared, allowPositionals: true });
  if (NEEDS_NAME.has(verb)) act(verb, values as Values, positionals, args);
  else list();
}

function act(verb: string, values: Values, positionals: readonly string[], args: readonly string[]): void {
  const [target, ...more] = positionals;
  if (target === undefined || more.length > 0) fail(`${verb} takes one repository`);
  if (args.at(-1) !== target) fail(`options of ${verb} come before the repository`);
  const [name = '', ...path] = target.split('/');
  if (!existsSync(stateFile(name))) fail(`The repository ${name} does not exist.`);
  if (path.length > 0 && verb !== 'transaction') fail(`${verb} takes no path`);
  ACTIONS[verb]?.(name, read(name), values, path.join('/'));
}

function list(): void {
  for (const file of readdirSync(join(home, 'etc'))) {
    const name = file.replace(/\.json$/, '');
    process.stdout.write(`${name} (stratum0 / local${read(name).open ? ' - in transaction' : ''})  \n`);
  }
}

if (home === '') fail('FAKE_CVMFS_DIR is not set');
if (process.argv[2] === 'fake-mkfs') {
  const name = process.argv[3] ?? '';
  for (const folder of ['etc', 'srv', `spool/${name}`, `cvmfs/${name}`])
    mkdirSync(join(home, folder), { recursive: true });
  rmSync(join(home, 'calls'), { force: true });
  publishRevision(name, { revision: 0, open: false, tags: [] });
} else main(process.argv.slice(2));
