import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Context, realContext } from '../context.ts';
import { type RepositoryPaths, repositoryPaths } from '../paths.ts';
import { openPublished, type PublishedSource, readPublished } from '../published.ts';
import { readPublicKey } from '../trust/keys.ts';
import { makeRepository } from '../verbs/mkfs.ts';

export const REPOSITORY = 'software.icefall.example';

/** A stratum 0 in a directory of its own, with one repository. */
export interface TestSite {
  readonly directory: string;
  readonly paths: RepositoryPaths;
  readonly context: Context;
  readonly said: string[];
  remove(): void;
}

/** A new directory, to be removed by who asked for it. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'stratum0-'));
}

let template: string | null = null;

/** Keys take long to make: one repository is made, and copied for each test. */
export async function testSite(options: Partial<Context> = {}): Promise<TestSite> {
  template ??= await makeTemplate();
  const directory = mkdtempSync(join(tmpdir(), 'stratum0-'));
  cpSync(template, directory, { recursive: true, preserveTimestamps: true });
  return siteAt(directory, options);
}

async function makeTemplate(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'stratum0-template-'));
  await makeRepository(
    realContext(directory, 'test', () => {}),
    REPOSITORY,
  );
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function siteAt(directory: string, options: Partial<Context> = {}): TestSite {
  const said: string[] = [];
  return {
    directory,
    paths: repositoryPaths(directory, REPOSITORY),
    // Ahead of the files' times, so that none of them counts as changed just now.
    context: {
      ...realContext(directory, 'a tester', (line) => said.push(line)),
      now: () => Date.now() + 60_000,
      ...options,
    },
    said,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Path to what is there: `file MODE CONTENT`, `dir MODE`, `link TARGET`. */
export type Tree = Record<string, string>;

/** The tree below a directory of the disk. */
export function treeOnDisk(root: string): Tree {
  const tree: Tree = {};
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path))) {
      const below = path === '' ? name : `${path}/${name}`;
      const stat = lstatSync(join(root, below));
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) tree[below] = `link ${readlinkSync(join(root, below))}`;
      else if (stat.isDirectory()) {
        tree[below] = `dir ${mode}`;
        visit(below);
      } else tree[below] = `file ${mode} ${readFileSync(join(root, below), 'latin1')}`;
    }
  };
  visit('');
  return tree;
}

/** The tree that clients get, everything verified on the way. */
export async function treePublished(site: TestSite, source: PublishedSource = site.paths.served): Promise<Tree> {
  const tree: Tree = {};
  for await (const entry of readPublished(source, await readPublicKey(site.paths.publicKey))) {
    const mode = entry.mode.toString(8);
    if (entry.path === '') continue;
    if (entry.type === 'symlink') tree[entry.path] = `link ${entry.target}`;
    else if (entry.type === 'directory') tree[entry.path] = `dir ${mode}`;
    else tree[entry.path] = `file ${mode} ${entry.content?.toString('latin1')}`;
  }
  return tree;
}

export async function revisionOf(site: TestSite): Promise<number> {
  return (await openPublished(site.paths.served, await readPublicKey(site.paths.publicKey))).manifest.revision;
}

/** Makes the tree below a directory; what is there already is replaced. */
export function makeTree(root: string, tree: Tree): void {
  for (const [path, what] of Object.entries(tree)) {
    const [kind, ...rest] = what.split(' ');
    const full = join(root, path);
    rmSync(full, { recursive: true, force: true });
    if (kind === 'link') symlinkSync(rest.join(' '), full);
    else if (kind === 'dir') {
      mkdirSync(full);
      chmodSync(full, Number.parseInt(rest[0] ?? '', 8));
    } else {
      writeFileSync(full, rest.slice(1).join(' '), 'latin1');
      chmodSync(full, Number.parseInt(rest[0] ?? '', 8));
    }
  }
}
