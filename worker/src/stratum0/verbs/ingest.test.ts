import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { create, Header } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  makeTree,
  REPOSITORY,
  revisionOf,
  type TestSite,
  temporaryDirectory,
  testSite,
  treeOnDisk,
  treePublished,
} from '../testing/site.ts';
import { beginTransaction } from './begin.ts';
import { ingest } from './ingest.ts';
import { publish } from './publish.ts';

const PLAIN = { tag: null, description: '' };

describe('ingest', () => {
  let site: TestSite;
  let source: string;
  beforeEach(async () => {
    site = await testSite();
    source = temporaryDirectory();
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, { sw: 'dir 755', 'sw/old': 'file 644 old', 'sw/same': 'file 644 before' });
    await publish(site.context, REPOSITORY, PLAIN);
    makeTree(source, { same: 'file 644 after', bin: 'dir 755', 'bin/tool': 'file 755 #!/bin/sh' });
    symlinkSync('bin/tool', join(source, 'link'));
  });
  afterEach(() => {
    site.remove();
    rmSync(source, { recursive: true, force: true });
  });

  async function archive(): Promise<string> {
    const file = join(source, '..', `${source.split('/').at(-1)}.tgz`);
    await create({ gzip: true, file, cwd: source, portable: true }, ['.']);
    return file;
  }
  const AFTER = {
    sw: 'dir 755',
    'sw/old': 'file 644 old',
    'sw/same': 'file 644 after',
    'sw/bin': 'dir 755',
    'sw/bin/tool': 'file 755 #!/bin/sh',
    'sw/link': 'link bin/tool',
  };

  test('publishes an archive at a path; what is there else stays', async () => {
    const file = await archive();
    await ingest(site.context, REPOSITORY, { base: 'sw', archive: file }, PLAIN);
    expect({ ...(await treePublished(site)), sw: 'dir 755' }).toEqual(AFTER);
    expect(await revisionOf(site)).toBe(3);
    await ingest(site.context, REPOSITORY, { base: 'new/place', archive: Readable.from([readFileSync(file)]) }, PLAIN);
    expect((await treePublished(site))['new/place/bin/tool']).toBe('file 755 #!/bin/sh');
    rmSync(file);
  });

  test('aborts where the archive is damaged, missing or for the root', async () => {
    const before = treeOnDisk(site.paths.mount);
    const file = await archive();
    writeFileSync(file, readFileSync(file).subarray(0, 60));
    await expect(ingest(site.context, REPOSITORY, { base: 'sw', archive: file }, PLAIN)).rejects.toMatchObject({
      code: 'bad_archive',
    });
    rmSync(file);
    await expect(ingest(site.context, REPOSITORY, { base: 'sw', archive: file }, PLAIN)).rejects.toMatchObject({
      code: 'bad_archive',
      message: expect.stringContaining('ENOENT'),
    });
    await expect(ingest(site.context, REPOSITORY, { base: '', archive: file }, PLAIN)).rejects.toMatchObject({
      code: 'usage',
    });
    expect(treeOnDisk(site.paths.mount)).toEqual(before);
    expect(await revisionOf(site)).toBe(2);
    await beginTransaction(site.context, REPOSITORY, '');
    mkdirSync(join(site.paths.mount, 'fine'));
    await publish(site.context, REPOSITORY, PLAIN);
  });

  test('gives every name the mode that the archive says, and links whatever they lead to', async () => {
    makeTree(source, { same: 'file 755 after', open: 'file 666 o', closed: 'dir 555', ...UNDER });
    symlinkSync('/cvmfs/elsewhere', join(source, 'absolute'));
    symlinkSync('../../up', join(source, 'up'));
    const file = join(source, '..', `${source.split('/').at(-1)}.tar`);
    await create({ file, cwd: source }, ['same', 'open', 'closed', 'un/said/f', 'absolute', 'up']);
    await ingest(site.context, REPOSITORY, { base: 'sw', archive: file }, PLAIN);
    rmSync(file);
    expect(await treePublished(site)).toMatchObject({
      'sw/same': 'file 755 after',
      'sw/open': 'file 666 o',
      'sw/closed': 'dir 555',
      'sw/un': 'dir 755',
      'sw/un/said': 'dir 755',
      'sw/absolute': 'link /cvmfs/elsewhere',
      'sw/up': 'link ../../up',
    });
  });

  test('gives every name of one symbolic link, of which GNU tar packs the further ones as hard links', async () => {
    const block = (header: ConstructorParameters<typeof Header>[0]): Buffer => {
      const bytes = Buffer.alloc(512);
      new Header(header).encode(bytes);
      return bytes;
    };
    const link = block({ path: './one', type: 'SymbolicLink', linkpath: '../up', size: 0, mode: 0o777 });
    const again = block({ path: './d/two', type: 'Link', linkpath: './one', size: 0, mode: 0o777 });
    const archive = Readable.from([Buffer.concat([link, again, Buffer.alloc(1024)])]);
    await ingest(site.context, REPOSITORY, { base: 'sw', archive }, PLAIN);
    expect(await treePublished(site)).toMatchObject({ 'sw/one': 'link ../up', 'sw/d/two': 'link ../up' });
  });

  test('refuses a path behind a link, or in a file, and writes nothing there', async () => {
    const outside = temporaryDirectory();
    await beginTransaction(site.context, REPOSITORY, '');
    symlinkSync(outside, join(site.paths.mount, 'out'));
    await publish(site.context, REPOSITORY, PLAIN);
    const file = await archive();
    for (const [base, code] of [
      ['out', 'outside_path'],
      ['out/deep', 'outside_path'],
      ['sw/old', 'usage'],
      ['sw/old/deep', 'usage'],
    ] as const)
      await expect(ingest(site.context, REPOSITORY, { base, archive: file }, PLAIN)).rejects.toMatchObject({ code });
    expect(readdirSync(outside)).toEqual([]);
    expect(await revisionOf(site)).toBe(3);
    rmSync(outside, { recursive: true });
    rmSync(file);
  });

  test.each<[string, string, (header: Buffer) => void, string]>([
    ['names that are not UTF-8: they would become others', 'caf?', (header) => header.writeUInt8(0xe9, 3), 'not UTF-8'],
    ['sparse files of GNU tar', 'f', (header) => header.write('S', 156), '(SparseFile)'],
    ['sparse files in the form of POSIX', 'GNUSparseFile.12/f', () => {}, 'without --sparse'],
  ])('refuses %s', async (_what, path, change, message) => {
    const header = Buffer.alloc(1536);
    new Header({ path, type: 'File', size: 0, mode: 0o644 }).encode(header);
    change(header);
    header.write('        ', 148);
    const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const archive = Readable.from([header]);
    await expect(ingest(site.context, REPOSITORY, { base: 'sw', archive }, PLAIN)).rejects.toMatchObject({
      code: 'bad_archive',
      message: expect.stringContaining(message),
    });
    expect(await revisionOf(site)).toBe(2);
  });
});

const UNDER = { un: 'dir 700', 'un/said': 'dir 700', 'un/said/f': 'file 644 f' };
