import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Command } from '@icefall/shared';
import { create } from 'tar';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testContext } from '../test-support/command-context.ts';
import { gitOf, shellOf } from '../test-support/commands.ts';
import { TestRepository } from '../test-support/repositories.ts';
import { openFile } from './confinement.ts';

/** A master that takes what is uploaded, and gives `served` to who downloads. */
async function site(served: Buffer = Buffer.from('from the master')) {
  const taken: Buffer[] = [];
  const server = createServer(async (request, response) => {
    if (request.method === 'PUT') taken.push(await buffer(request));
    response.end(request.method === 'GET' ? served : '{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const transfers = { baseUrl: `http://127.0.0.1:${port}`, workerName: 'w1', token: 't' };
  const test = await testContext({ transfers });
  const outside = join(test.directory, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'key'), 'a key of somebody else');
  return { ...test, taken, outside };
}

const upload = (source: string, what: 'file' | 'directory' = 'file'): Command => {
  return { kind: 'upload', source, what, workdir: '.', maxBytes: null };
};
const download = (destination: string, what: 'file' | 'directory' = 'file'): Command => {
  return { kind: 'download', destination, what, workdir: '.', mode: null };
};

describe('a link that a build has put in the place of', () => {
  it.each(['file', 'directory'] as const)('a %s to be uploaded does not take along what it leads to', async (what) => {
    const { run, path, outside, taken } = await site();
    await symlink(what === 'file' ? join(outside, 'key') : outside, path('out'));
    expect((await run(upload('out', what))).error?.code).toMatch(what === 'file' ? 'outside' : 'not_a_directory');
    expect(taken).toEqual([]);
  });

  it('a directory above it does not either', async () => {
    const { run, path, outside, taken } = await site();
    await mkdir(join(outside, 'd'));
    await symlink(outside, path('out'));
    expect((await run(upload('out/key'))).error?.code).toBe('outside');
    expect((await run(upload('out/d', 'directory'))).error?.code).toBe('outside');
    expect(taken).toEqual([]);
  });

  it('the directory of a download does not lead it elsewhere', async () => {
    const { run, path, outside } = await site();
    await symlink(outside, path('out'));
    expect((await run(download('out/key'))).error?.code).toBe('outside');
    expect(await readFile(join(outside, 'key'), 'utf8')).toBe('a key of somebody else');
  });

  it('the downloaded file itself is replaced, not followed', async () => {
    const { run, path, outside } = await site();
    await symlink(join(outside, 'key'), path('out'));
    expect((await run(download('out'))).exitCode).toBe(0);
    expect([await readFile(path('out'), 'utf8'), await readFile(join(outside, 'key'), 'utf8')]).toEqual([
      'from the master',
      'a key of somebody else',
    ]);
  });

  it('what is the site’s own, named outside of the build’s directory, is followed', async () => {
    const { run, outside, taken } = await site();
    expect((await run(upload(join(outside, 'key')))).exitCode).toBe(0);
    expect(taken.map(String)).toEqual(['a key of somebody else']);
  });

  it('a directory, changed back and forth while files are opened, never opens one outside', async () => {
    const { context, path, outside } = await site();
    await mkdir(path('inside'));
    await writeFile(path('inside/key'), 'mine');
    await symlink(outside, path('link'));
    await symlink('inside', path('out'));
    const seen = new Set<string>();
    let over = false;
    const swapping = (async () => {
      for (let i = 0; !over; i += 1) {
        await symlink(i % 2 === 0 ? outside : 'inside', path('next'));
        await rename(path('next'), path('out'));
      }
    })();
    for (let i = 0; i < 500; i += 1) {
      const file = await openFile(path('out/key'), context).catch(() => null);
      seen.add(file === null ? 'refused' : await file.readFile('utf8'));
      await file?.close();
    }
    over = true;
    await swapping;
    expect(seen).not.toContain('a key of somebody else');
  });
});

it('a pipe to be uploaded is not waited for', async () => {
  const { run, path } = await site();
  execFileSync('mkfifo', [path('out')]);
  expect((await run(upload('out'))).error?.code).toBe('not_a_file');
});

it('an archive with a file that climbs out is not unpacked', async () => {
  const { run, path, directory } = await site(await archiveOf('../escaped'));
  expect((await run(download('out', 'directory'))).error?.code).toBe('unsafe_archive');
  await expect(readFile(join(directory, 'escaped'))).rejects.toThrow('ENOENT');
  await expect(readFile(path('escaped'))).rejects.toThrow('ENOENT');
});

/** An archive with one file, whatever its name. */
async function archiveOf(name: string): Promise<Buffer> {
  const { context, path } = await testContext();
  await mkdir(path('deep/in'), { recursive: true });
  await writeFile(path('deep/escaped'), 'x');
  const stream = create({ cwd: path('deep/in'), preservePaths: true }, [name]);
  const archive = await buffer(Readable.from(stream));
  await rm(context.buildDirectory, { recursive: true });
  return archive;
}

describe('text from outside', () => {
  it('is one argument of a command, whatever it holds', async () => {
    const { run, output } = await site();
    const evil = '$(touch owned); `touch owned` | touch owned\n--help';
    await run(shellOf(['printf', '[%s]', evil]));
    expect(output.text()).toBe(`[${evil}]`);
  });

  it.each([
    [{ branch: '--upload-pack=touch owned' }, 'bad_branch'],
    [{ revision: '--output=owned' }, 'bad_revision'],
    [{ repository: 'ext::sh -c touch% owned' }, 'bad_repository'],
    [{ repository: '-oProxyCommand=touch owned' }, 'bad_repository'],
  ])('is no option and no helper of Git: %j', async (rest, code) => {
    const { run } = await site();
    expect((await run(gitOf('https://127.0.0.1:1/r', rest))).error?.code).toBe(code);
  });

  it('in an address of SSH is no option of ssh', async () => {
    const { run, path } = await site();
    const end = await run(gitOf('ssh://-oProxyCommand=touch$IFS/owned/x'));
    expect(end.exitCode).not.toBe(0);
    await expect(readFile(path('build/owned'))).rejects.toThrow('ENOENT');
  });
});

describe('a repository that a build has left', () => {
  it('does not have its hooks run by the next checkout', async () => {
    const { run, path, directory } = await site();
    const origin = await TestRepository.create(join(directory, 'origin'));
    await origin.commit({ a: '1' });
    await run(gitOf(origin.path));
    await writeFile(path('build/.git/hooks/post-checkout'), '#!/bin/sh\ntouch ../owned\n');
    await chmod(path('build/.git/hooks/post-checkout'), 0o755);
    await origin.commit({ a: '2' });
    expect((await run(gitOf(origin.path))).exitCode).toBe(0);
    await expect(readFile(path('owned'))).rejects.toThrow('ENOENT');
  });
});

it('a submodule of a remote repository cannot be one on this machine', async () => {
  const { run, directory, path } = await site();
  const own = await TestRepository.create(join(directory, 'own'));
  await own.commit({ precious: 'x' });
  const origin = await TestRepository.create(join(directory, 'origin'));
  await origin.git('-c', 'protocol.file.allow=always', 'submodule', 'add', '--quiet', own.path, 'sub');
  await origin.commit({ a: '1' });
  // As far as the step knows, it is remote; Git is told where it really is.
  const env = {
    ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: `url.${origin.path}.insteadOf` },
    GIT_CONFIG_VALUE_0: 'https://host/origin',
  };
  const end = await run(gitOf('https://host/origin', { submodules: true, env }));
  expect(end.exitCode).not.toBe(0);
  await expect(readFile(path('build/sub/precious'))).rejects.toThrow('ENOENT');
});
