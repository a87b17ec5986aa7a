import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemCode } from './errors.ts';
import { entriesOnDisk, withNamedLinks } from './testing/disk-tree.ts';
import { readRepository } from './testing/reader/repository.ts';
import { REPOSITORY, type TestSite, testSite } from './testing/site.ts';
import { beginTransaction } from './verbs/begin.ts';
import { checkRepository } from './verbs/check.ts';
import { publish } from './verbs/publish.ts';

/** Names with one character a byte: plain, with spaces, line ends, UTF-8 and bytes that are not UTF-8. */
const NAMES = ['a', 'b', 'c', '-rf', 'x y', 'line\nend', 'ü', 'Ã¼', '\xff\xfe', "'; --", '$(HOME)', 'a.b'];
const name = fc.constantFrom(...NAMES);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const directory = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const mode = fc.constantFrom(0o755, 0o700, 0o644, 0o4755, 0o2775, 0o1777, 0o600);
const content = fc.oneof(fc.constant(''), fc.string({ maxLength: 40 }), fc.constant('x'.repeat(70_000)));

type Change =
  | { readonly do: 'directory' | 'remove' | 'marker' | 'unmark'; readonly path: string }
  | { readonly do: 'file'; readonly path: string; readonly content: string }
  | { readonly do: 'symlink'; readonly path: string; readonly target: string }
  | { readonly do: 'link' | 'rename'; readonly path: string; readonly to: string }
  | { readonly do: 'mode'; readonly path: string; readonly mode: number }
  | { readonly do: 'time'; readonly path: string; readonly mtime: number };

/** The same trees each time, unless others are asked for. */
const RUNS = {
  numRuns: Number(process.env.ICEFALL_RANDOM_TREES ?? 12),
  seed: Number(process.env.ICEFALL_SEED ?? 1),
};

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('directory' as const), path: directory }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('file' as const), path, content }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('symlink' as const), path, target: path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('link' as const, 'rename' as const), path, to: path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('marker' as const, 'unmark' as const), path: directory }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mode' as const), path, mode }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('time' as const), path, mtime: fc.integer({ min: -1e9, max: 4e9 }) }),
  },
);

/** Changes the tree where it can be changed so: a file cannot be put into a file. */
function apply(root: string, what: Change): void {
  const at = (below: string) => Buffer.from(`${root}/${below}`, 'latin1');
  const marker = `${what.path}/.cvmfscatalog`;
  const remove = (path: Buffer) => {
    // Says why it cannot be reached (a link to itself on the way); the removal itself would not.
    lstatSync(path);
    rmSync(path, { recursive: true });
  };
  const acts: Record<Change['do'], () => void> = {
    directory: () => mkdirSync(at(what.path), { recursive: true }),
    remove: () => remove(at(what.path)),
    marker: () => writeFileSync(at(marker), ''),
    unmark: () => remove(at(marker)),
    file: () => writeFileSync(at(what.path), what.do === 'file' ? what.content : ''),
    symlink: () => symlinkSync(at(what.do === 'symlink' ? what.target : ''), at(what.path)),
    link: () => linkSync(at(what.path), at(what.do === 'link' ? what.to : '')),
    rename: () => renameSync(at(what.path), at(what.do === 'rename' ? what.to : '')),
    mode: () => chmodSync(at(what.path), what.do === 'mode' ? what.mode : 0),
    time: () => lutimesSync(at(what.path), 0, what.do === 'time' ? what.mtime : 0),
  };
  try {
    acts[what.do]();
  } catch (error) {
    if (!/^E[A-Z]+$/.test(systemCode(error))) throw error;
  }
}

async function compare(site: TestSite): Promise<ReturnType<typeof entriesOnDisk>> {
  const onDisk = entriesOnDisk(site.paths.mount);
  const key = readFileSync(site.paths.publicKey, 'utf8');
  const repository = readRepository(site.paths.served, key, new Date());
  expect(repository.fields.get('Y')).toBe(repository.reflogHash);
  const { entries, catalogs } = repository.tree();
  expect(withNamedLinks(entries)).toEqual(onDisk);
  const markers = [...onDisk.keys()].filter((found) => found.endsWith('/.cvmfscatalog'));
  expect(catalogs.map((catalog) => catalog.path).sort()).toEqual(
    ['', ...markers.map((found) => `/${found.slice(0, -'/.cvmfscatalog'.length)}`)].sort(),
  );
  return onDisk;
}

async function publishAndCompare(site: TestSite, tag: string): Promise<ReturnType<typeof entriesOnDisk>> {
  await publish(site.context, REPOSITORY, { tag, description: tag });
  return compare(site);
}

/** The paths that a change touches, where they really are, with all names of their files. */
function touched(root: string, what: Change): string[] {
  const real = (path: string): string[] => {
    const [, parent = '', name = ''] = /^(?:(.*)\/)?(.*)$/s.exec(path) ?? [];
    const found = realpathSync
      .native(Buffer.from(`${root}/${parent}`, 'latin1'), { encoding: 'buffer' })
      .toString('latin1');
    return [`${found}/${name}`.slice(Buffer.from(root).toString('latin1').length + 1)];
  };
  const at = (path: string) => lstatSync(Buffer.from(`${root}/${path}`, 'latin1'));
  const orNothing = <T>(look: () => T[]): T[] => {
    try {
      return look();
    } catch (error) {
      if (!/^E[A-Z]+$/.test(systemCode(error))) throw error;
      return [];
    }
  };
  const paths = [what.path, ...('to' in what ? [what.to] : [])].flatMap((path) => orNothing(() => real(path)));
  const inodes = paths
    .flatMap((path) => orNothing(() => [at(path)]))
    .flatMap((stat) => (stat.isFile() ? [stat.ino] : []));
  return [...paths, ...[...entriesOnDisk(root).keys()].filter((path) => inodes.includes(at(path).ino))];
}

test('whatever is done to a tree, the independent reader finds it in every revision, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { minLength: 1, maxLength: 25 }), { minLength: 1, maxLength: 4 }),
      async (revisions) => {
        const site = await testSite();
        try {
          const published: ReturnType<typeof entriesOnDisk>[] = [];
          for (const [i, changes] of revisions.entries()) {
            await beginTransaction(site.context, REPOSITORY, '');
            for (const one of changes) apply(site.paths.mount, one);
            published.push(await publishAndCompare(site, `r${i}`));
          }
          await checkRepository(site.context, REPOSITORY);
          const repository = readRepository(site.paths.served, readFileSync(site.paths.publicKey, 'utf8'), new Date());
          for (const [i, onDisk] of published.entries()) {
            const tag = repository.tags.find((found) => found.name === `r${i}`);
            const { entries } = repository.tree({ hash: tag?.root ?? '', size: tag?.size ?? 0 });
            expect(withNamedLinks(entries)).toEqual(onDisk);
          }
        } finally {
          site.remove();
        }
      },
    ),
    RUNS,
  );
}, 600_000);

test('a list of what was touched is enough, and one that lacks something does no harm', async () => {
  const said = fc.record({ change, isSaid: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(said, { minLength: 1, maxLength: 15 }), { minLength: 1, maxLength: 4 }),
      async (revisions) => {
        const site = await testSite();
        try {
          for (const [i, changes] of revisions.entries()) {
            const whole: string[] = [];
            const part: string[] = [];
            await beginTransaction(site.context, REPOSITORY, '');
            for (const { change: what, isSaid } of changes) {
              const paths = [...touched(site.paths.mount, what)];
              apply(site.paths.mount, what);
              paths.push(...touched(site.paths.mount, what));
              whole.push(...paths);
              if (isSaid) part.push(...paths);
            }
            await publish(site.context, REPOSITORY, { tag: null, description: '', changed: part });
            await checkRepository(site.context, REPOSITORY);
            await beginTransaction(site.context, REPOSITORY, '');
            // Or a survey of all finds what the list lacked.
            const changed = i % 2 === 0 ? whole : null;
            await publish(site.context, REPOSITORY, { tag: null, description: '', changed });
            await compare(site);
          }
          await checkRepository(site.context, REPOSITORY);
        } finally {
          site.remove();
        }
      },
    ),
    RUNS,
  );
}, 600_000);
