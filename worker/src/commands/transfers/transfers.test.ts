import { once } from 'node:events';
import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { DownloadCommand, UploadCommand } from '@icefall/shared';
import { create, extract, Header } from 'tar';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testContext } from '../../test-support/command-context.ts';
import { temporaryDirectory } from '../../test-support/directories.ts';
import { ManualClock } from '../../test-support/manual-clock.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Answer = (response: ServerResponse, seen: Seen) => void | Promise<void>;

/** A master’s worker port that answers one after the other; the last answer is given again and again. */
async function portThat(...answers: readonly [Answer, ...Answer[]]) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => Buffer.alloc(0));
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    await (answers[seen.length - 1] ?? answers.at(-1) ?? answers[0])(response, seen.at(-1) as Seen);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const transfers = { baseUrl: `http://127.0.0.1:${port}`, workerName: 'w1', token: 't0' };
  return { ...(await testContext({ transfers, clock })), seen, clock };
}

const fine: Answer = (response) => void response.end('{}');
const busy: Answer = (response) => void response.writeHead(503).end('later');
const sends =
  (body: string | Buffer, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(200, headers).end(body);
const refuses =
  (status: number): Answer =>
  (response) =>
    void response.writeHead(status).end(JSON.stringify({ error: { code: 'no', message: `no, said with ${status}` } }));
const breaksOff: Answer = (response) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('only this', () => response.destroy());
};

const upload = (source: string, rest: Partial<UploadCommand> = {}): UploadCommand => {
  return { kind: 'upload', source, what: 'file', workdir: '.', maxBytes: null, ...rest };
};
const download = (destination: string, rest: Partial<DownloadCommand> = {}): DownloadCommand => {
  return { kind: 'download', destination, what: 'file', workdir: '.', mode: null, ...rest };
};

/** Turns the clock on until the command has ended. */
async function patiently<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let over = false;
  void work.finally(() => {
    over = true;
  });
  while (!over) {
    await new Promise(setImmediate);
    clock.advance(100);
  }
  return await work;
}

describe('an upload', () => {
  it('sends a file with its mode, under the worker’s name and token', async () => {
    const { run, path, seen } = await portThat(fine);
    await writeFile(path('out.bin'), Buffer.alloc(3_000_000, 7));
    await chmod(path('out.bin'), 0o751);
    expect(await run(upload('out.bin'))).toMatchObject({ reason: 'exited', exitCode: 0, values: { bytes: 3_000_000 } });
    expect(seen).toMatchObject([
      {
        method: 'PUT',
        url: '/transfers/1?epoch=1',
        headers: {
          authorization: 'Bearer t0',
          'x-icefall-worker': 'w1',
          'x-icefall-mode': '751',
          'content-length': '3000000',
        },
      },
    ]);
    expect(seen[0]?.body.equals(Buffer.alloc(3_000_000, 7))).toBe(true);
  });

  it('sends an empty file', async () => {
    const { run, path, seen } = await portThat(fine);
    await writeFile(path('empty'), '');
    expect((await run(upload('empty'))).values).toEqual({ bytes: 0 });
    expect(seen[0]?.body.length).toBe(0);
  });

  it('sends a directory with modes and links', async () => {
    const { run, path, seen } = await portThat(fine);
    await mkdir(path('d/sub'), { recursive: true });
    await writeFile(path('d/sub/run'), 'x', { mode: 0o755 });
    await symlink('sub/run', path('d/link'));
    const end = await run(upload('d', { what: 'directory' }));
    const received = await temporaryDirectory();
    const unpack = extract({ cwd: received });
    unpack.end(seen[0]?.body ?? Buffer.alloc(0));
    await once(unpack, 'close');
    expect(end.values).toEqual({ bytes: seen[0]?.body.length });
    expect([await readlink(join(received, 'link')), (await stat(join(received, 'sub/run'))).mode & 0o777]).toEqual([
      'sub/run',
      0o755,
    ]);
  });

  it('is repeated until the master takes it', async () => {
    const { run, path, seen, clock, output } = await portThat(busy, busy, fine);
    await writeFile(path('f'), 'text');
    expect(await patiently(clock, run(upload('f')))).toMatchObject({ exitCode: 0 });
    expect(seen.map(({ body }) => body.toString())).toEqual(['text', 'text', 'text']);
    expect(output.headers).toContain('the master answered 503: later; trying again in');
  });

  it('is repeated while there is no master, until it is stopped', async () => {
    const test = await testContext();
    await writeFile(test.path('f'), '');
    const ended = test.run(upload('f'));
    await test.output.shows('ECONNREFUSED', 0);
    test.stop();
    expect(await ended).toMatchObject({ reason: 'interrupted', error: { code: 'interrupted' } });
  });

  it.each([400, 403, 404, 409, 413])('ends when the master says %d', async (status) => {
    const { run, path, seen } = await portThat(refuses(status));
    await writeFile(path('f'), 'x');
    const end = await run(upload('f'));
    expect(end).toMatchObject({
      exitCode: 1,
      error: { code: 'transfer_refused', message: `the master answered ${status}: no, said with ${status}` },
    });
    expect(seen).toHaveLength(1);
  });

  it.each([
    ['nowhere', 'file', 'not_found'],
    ['d', 'file', 'not_a_file'],
    ['f', 'directory', 'not_a_directory'],
    ['large', 'file', 'too_large'],
    ['big', 'directory', 'too_large'],
  ] as const)('of %s as a %s fails at once', async (source, what, code) => {
    const { run, path } = await portThat(fine);
    await mkdir(path('d'));
    await mkdir(path('big'));
    await writeFile(path('f'), '');
    await writeFile(path('large'), 'x'.repeat(101));
    await writeFile(path('big/x'), 'x'.repeat(101));
    expect(await run(upload(source, { what, maxBytes: 100 }))).toMatchObject({ exitCode: 1, error: { code } });
  });
});

describe('a download', () => {
  it('writes a file with the mode of the master’s, or the one that is wanted', async () => {
    const { run, path, seen } = await portThat(sends('text', { 'x-icefall-mode': '751' }));
    expect(await run(download('sub/f'))).toMatchObject({ exitCode: 0, values: { bytes: 4 } });
    await run(download('g', { mode: 0o600 }));
    const modes = await Promise.all(['sub/f', 'g'].map(async (name) => (await stat(path(name))).mode & 0o777));
    expect([await readFile(path('sub/f'), 'utf8'), modes, seen[0]?.method]).toEqual(['text', [0o751, 0o600], 'GET']);
  });

  it('replaces a file whole, or leaves it as it was', async () => {
    const { run, path, clock } = await portThat(breaksOff, refuses(404));
    await writeFile(path('f'), 'before');
    expect(await patiently(clock, run(download('f')))).toMatchObject({
      exitCode: 1,
      error: { code: 'transfer_refused' },
    });
    expect([await readFile(path('f'), 'utf8'), await readdir(path())]).toEqual(['before', ['f']]);
  });

  it('is repeated where the connection breaks', async () => {
    const { run, path, clock } = await portThat(breaksOff, sends('whole'));
    expect(await patiently(clock, run(download('f')))).toMatchObject({ exitCode: 0, values: { bytes: 5 } });
    expect(await readFile(path('f'), 'utf8')).toBe('whole');
  });

  it('unpacks a directory into one that may exist', async () => {
    const from = await temporaryDirectory();
    await mkdir(join(from, 'sub'));
    await writeFile(join(from, 'sub/run'), 'new', { mode: 0o755 });
    await symlink('sub/run', join(from, 'link'));
    const archive = await buffer(Readable.from(create({ cwd: from }, ['.'])));
    const { run, path } = await portThat(sends(archive));
    for (const name of ['d', 'd'])
      expect(await run(download(name, { what: 'directory' }))).toMatchObject({
        exitCode: 0,
        values: { bytes: archive.length },
      });
    await writeFile(path('d/own'), '');
    await writeFile(path('d/sub/run'), 'old');
    await run(download('d', { what: 'directory' }));
    expect([
      await readdir(path('d')),
      await readFile(path('d/sub/run'), 'utf8'),
      await readlink(path('d/link')),
    ]).toEqual([['link', 'own', 'sub'], 'new', 'sub/run']);
    expect([(await lstat(path('d/sub/run'))).mode & 0o777, await readdir(path())]).toEqual([0o755, ['d']]);
  });

  it.each([
    ['../escaped', undefined],
    ['/tmp/icefall-escaped', undefined],
    ['link', '../../..'],
    ['link', '/etc/passwd'],
  ])('refuses an archive that would leave the directory: %s → %s', async (path, linkpath) => {
    const type = linkpath === undefined ? 'File' : 'SymbolicLink';
    const block = Buffer.alloc(512);
    new Header({ path, type, size: 0, mode: 0o644, ...(linkpath === undefined ? {} : { linkpath }) }).encode(block);
    const test = await portThat(sends(Buffer.concat([block, Buffer.alloc(1024)])));
    const end = await test.run(download('d', { what: 'directory' }));
    expect(end).toMatchObject({ exitCode: 1, error: { code: 'unsafe_archive' } });
    expect(await readdir(test.path())).toEqual([]);
  });

  it('fails where the destination cannot be written', async () => {
    const { run, path } = await portThat(sends('x'));
    await mkdir(path('d'));
    await writeFile(path('f'), '');
    expect(await run(download('d'))).toMatchObject({ exitCode: 1, error: { code: 'is_a_directory' } });
    expect(await run(download('f/x'))).toMatchObject({ exitCode: 1, error: { code: 'not_writable' } });
  });
});
