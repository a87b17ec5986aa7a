import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command, CommandOutcome } from '@icefall/shared';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startWorker } from '../../../worker/src/test-support/worker.ts';
import { realClock } from '../engine/real.ts';
import type { Transfer } from '../steps/step.ts';
import { startWorkerServer } from './server.ts';
import { shell, siteWith, TestRoom, temporaryDirectory } from './test-room.ts';

/** A master’s worker port, and one worker’s agent that has its token. */
async function open() {
  const room = new TestRoom(siteWith({ name: 'w1' }), { clock: realClock });
  const server = await startWorkerServer(room.workers, { host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    room.workers.stop();
    await server.close();
    room.logs.close();
  });
  const url = `ws://127.0.0.1:${server.port}`;
  const token = room.workers.issueToken('w1');
  const run = (command: Command, transfer: Transfer | null = null): Promise<CommandOutcome> => {
    const build = room.build();
    const ended = new Promise<CommandOutcome>((resolve) => {
      room.commands.finished.on(({ buildId, outcome }) => {
        if (buildId === build) resolve(outcome);
      });
    });
    room.order(build, command, { transfer });
    return ended;
  };
  return { room, server, url, token, run };
}

/** A busy machine may take its time. */
const PATIENT = { timeout: 20_000 };

describe('the port for workers', () => {
  test('runs a command on an agent, with all of its output in the log', async () => {
    const { room, url, token, run } = await open();
    const ended = run(shell({ command: 'seq 1 20000; echo out of order >&2; exit 3' }));
    await startWorker({ url }, { token });
    expect(await ended).toMatchObject({ reason: 'exited', exitCode: 3 });
    expect(room.told.map((word) => word.replace(/\d+$/, ''))).toEqual(['1 started ', '1 exited ']);
    const log = room.text(1);
    expect(log).toContain('out of order');
    expect(log.match(/^\d+$/gm)).toEqual(Array.from({ length: 20_000 }, (_, i) => String(i + 1)));
    expect(room.onRecord).toEqual([]);
  });

  test('goes on with a running command after a restart of the master', async () => {
    const { room, server, url, token } = await open();
    await startWorker({ url }, { token });
    const flag = join(temporaryDirectory(), 'go');
    const begun = new Promise<void>((resolve) => room.commands.started.on(() => resolve()));
    const build = room.build();
    room.order(build, shell({ command: `echo one; while [ ! -e ${flag} ]; do sleep 0.02; done; echo two` }));
    await begun;
    room.workers.stop();
    await server.close();
    writeFileSync(flag, '');
    room.logs.close();
    const next = new TestRoom(room.config.site, room.place);
    const ended = new Promise<void>((resolve) => next.commands.finished.on(() => resolve()));
    const again = await startWorkerServer(next.workers, { host: '127.0.0.1', port: server.port });
    onTestFinished(async () => {
      next.workers.stop();
      await again.close();
      next.logs.close();
    });
    await ended;
    expect(next.told).toEqual([`${build} exited 0`]);
    expect(next.text(build).match(/^(one|two)$/gm)).toEqual(['one', 'two']);
  });

  test('refuses a wrong token and says so to the agent and on the page', async () => {
    const { room, url } = await open();
    const refused = new Promise<void>((resolve) => room.workers.authentication.refused.on(() => resolve()));
    const worker = await startWorker({ url }, { token: 'wrong' });
    await refused;
    expect(room.workers.presence('w1')).toMatchObject({ connected: false });
    expect(room.workers.presence('w1').lastRefusal).toMatch(
      /the token is not that of worker "w1" \(from .*127\.0\.0\.1\)/,
    );
    await expect
      .poll(() => worker.log.lines.join('\n'))
      .toContain('refused with 401: the token is not that of worker "w1"');
  });

  test('refuses another protocol and other paths in words', async () => {
    const { server } = await open();
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/worker`, 'icefall-worker.v99');
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(426);
    socket.on('error', () => {});
    socket.terminate();
  });

  // Whoever looks for a comma from each space is busy with each of these for half a second.
  test('reads a list of protocols that is nearly all spaces at once', async () => {
    const { server } = await open();
    const refused = async () => {
      const socket = connect(server.port, '127.0.0.1');
      const head = `GET /worker HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n`;
      socket.write(`${head}sec-websocket-protocol: a${' '.repeat(15_000)}b\r\n\r\n`);
      return text(socket);
    };
    for (let i = 0; i < 100; i += 1) expect(await refused()).toContain('"code":"protocol"');
  });

  test('says which port is taken, and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const room = new TestRoom(siteWith({ name: 'w1' }));
    await expect(startWorkerServer(room.workers, { host: '127.0.0.1', port })).rejects.toThrow(
      `the port for workers, 127.0.0.1:${port}, is taken by another program; choose another with --worker-port`,
    );
  });
});

const upload = (source: string, what: 'file' | 'directory', maxBytes: number | null = null): Command => {
  return { kind: 'upload', source, what, workdir: '.', maxBytes };
};
const download = (destination: string, what: 'file' | 'directory'): Command => {
  return { kind: 'download', destination, what, workdir: '.', mode: null };
};
const bytes = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31) % 251));

describe('a transfer', () => {
  test('brings a file with its mode to the master, where it replaces one, and nothing else is left', async () => {
    const { room, url, token, run } = await open();
    const { directory } = await startWorker({ url }, { token });
    const content = bytes(3_000_000);
    writeFileSync(join(directory, 'made.bin'), content, { mode: 0o750 });
    const to = join(room.directory, 'published', 'made.bin');
    mkdirSync(join(room.directory, 'published'));
    writeFileSync(to, 'old');
    const ended = await run(upload(join(directory, 'made.bin'), 'file'), { path: to, maxBytes: null });
    expect(ended).toMatchObject({ exitCode: 0, values: { bytes: content.length } });
    expect(readFileSync(to).equals(content)).toBe(true);
    expect(statSync(to).mode & 0o7777).toBe(0o750);
    expect(readdirSync(join(room.directory, 'published'))).toEqual(['made.bin']);
  });

  test('brings a directory to the master, into one that is there already', async () => {
    const { room, url, token, run } = await open();
    const { directory } = await startWorker({ url }, { token });
    const from = join(directory, 'tree');
    mkdirSync(join(from, 'bin'), { recursive: true });
    writeFileSync(join(from, 'bin', 'tool'), '#!', { mode: 0o755 });
    symlinkSync('bin/tool', join(from, 'link'));
    const to = join(room.directory, 'tree');
    mkdirSync(join(to, 'bin'), { recursive: true });
    writeFileSync(join(to, 'bin', 'other'), 'stays');
    const ended = await run(upload(from, 'directory'), { path: to, maxBytes: null });
    expect(ended).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect(readdirSync(join(to, 'bin')).sort()).toEqual(['other', 'tool']);
    expect(statSync(join(to, 'bin', 'tool')).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(to, 'link'))).toBe('bin/tool');
    expect(readdirSync(room.directory).sort()).toEqual(['logs', 'tree']);
  });

  test('does not take a directory with a link to the outside', async () => {
    const { room, url, token, run } = await open();
    const { directory } = await startWorker({ url }, { token });
    const from = join(directory, 'tree');
    mkdirSync(from);
    symlinkSync('../../etc/passwd', join(from, 'link'));
    const ended = await run(upload(from, 'directory'), { path: join(room.directory, 'tree'), maxBytes: null });
    expect(ended).toMatchObject({ error: { code: 'transfer_refused' } });
    expect(ended.error?.message).toContain('is a link to "../../etc/passwd"');
    expect(readdirSync(room.directory)).toEqual(['logs']);
  });

  test('takes no more than the step allows', async () => {
    const { room, url, token, run } = await open();
    const { directory } = await startWorker({ url }, { token });
    writeFileSync(join(directory, 'big'), bytes(100_000));
    // The worker was told of no limit, so that the master's own is tried.
    const ended = await run(upload(join(directory, 'big'), 'file'), {
      path: join(room.directory, 'big'),
      maxBytes: 99_999,
    });
    expect(ended.error?.message).toContain('413');
    expect(readdirSync(room.directory)).toEqual(['logs']);
  });

  test('brings a file and a directory to the worker', async () => {
    const { room, url, token, run } = await open();
    const { directory } = await startWorker({ url }, { token });
    const from = join(room.directory, 'from');
    mkdirSync(join(from, 'sub'), { recursive: true });
    const content = bytes(2_000_000);
    writeFileSync(join(from, 'file'), content);
    chmodSync(join(from, 'file'), 0o640);
    writeFileSync(join(from, 'sub', 'empty'), '');
    symlinkSync('../file', join(from, 'sub', 'link'));
    const to = join(directory, 'to');
    expect(await run(download(`${to}/file`, 'file'), { path: join(from, 'file'), maxBytes: null })).toMatchObject({
      exitCode: 0,
    });
    expect(readFileSync(join(to, 'file')).equals(content)).toBe(true);
    expect(statSync(join(to, 'file')).mode & 0o777).toBe(0o640);
    const empty = { path: join(from, 'sub', 'empty'), maxBytes: null };
    expect(await run(download(`${to}/empty`, 'file'), empty)).toMatchObject({ exitCode: 0 });
    expect(await run(download(`${to}/tree`, 'directory'), { path: from, maxBytes: null })).toMatchObject({
      exitCode: 0,
    });
    expect(readdirSync(join(to, 'tree', 'sub')).sort()).toEqual(['empty', 'link']);
    expect(readFileSync(join(to, 'tree', 'sub', 'link')).equals(content)).toBe(true);
  });

  test('of what is not there fails for good, in words', async () => {
    const { room, url, token, run } = await open();
    const { directory } = await startWorker({ url }, { token });
    const missing = join(room.directory, 'missing');
    const ended = await run(download(join(directory, 'x'), 'file'), { path: missing, maxBytes: null });
    expect(ended.error?.message).toContain(`${missing} on the master: no such file or directory`);
  });

  test('that hangs gives way to the next try, and a broken one leaves nothing', async () => {
    const { room, server, token } = await open();
    room.connect();
    const build = room.build();
    const path = join(room.directory, 'f');
    room.order(build, upload('x', 'file'), { transfer: { path, maxBytes: null } });
    const headers = { authorization: `Bearer ${token}`, 'x-icefall-worker': 'w1', 'content-length': '10' };
    const put = () => {
      const { port } = server;
      return request({ host: '127.0.0.1', port, path: '/transfers/1?epoch=1001', method: 'PUT', headers });
    };
    const [hanging, broken, whole] = [put(), put(), put()];
    const ends = [hanging, broken].map((one) => once(one, 'error'));
    hanging.write('abc');
    await expect.poll(() => readdirSync(room.directory), PATIENT).toContain('.f.icefall-1-1001');
    broken.write('abc');
    await ends[0];
    await expect.poll(() => readdirSync(room.directory), PATIENT).toContain('.f.icefall-1-1001');
    broken.destroy();
    await expect.poll(() => readdirSync(room.directory), PATIENT).toEqual(['logs']);
    whole.end('0123456789');
    const [answer] = await once(whole, 'response');
    expect(answer.statusCode).toBe(200);
    expect(readFileSync(path, 'utf8')).toBe('0123456789');
    expect(readdirSync(room.directory).sort()).toEqual(['f', 'logs']);
  });

  test('of a command that has ended meanwhile puts nothing in place', async () => {
    const { room, server, token } = await open();
    const agent = room.connect();
    room.order(room.build(), upload('x', 'file'), { transfer: { path: join(room.directory, 'f'), maxBytes: null } });
    const headers = { authorization: `Bearer ${token}`, 'x-icefall-worker': 'w1', 'content-length': '10' };
    const { port } = server;
    const late = request({ host: '127.0.0.1', port, path: '/transfers/1?epoch=1001', method: 'PUT', headers });
    late.write('01234');
    await expect.poll(() => readdirSync(room.directory), PATIENT).toContain('.f.icefall-1-1001');
    agent.finishes(1, 1001);
    late.end('56789');
    const [answer] = await once(late, 'response');
    expect(answer.statusCode).toBe(404);
    expect(readdirSync(room.directory)).toEqual(['logs']);
  });

  test('is done only for a command that this worker runs, by its method, and with its token', async () => {
    const { room, server, token } = await open();
    room.connect();
    const build = room.build();
    const path = join(room.directory, 'f');
    writeFileSync(path, 'content');
    room.order(build, download('x', 'file'), { transfer: { path, maxBytes: null } });
    room.order(build, shell());
    const ask = async (what: string, shown = token, method = 'GET', name = 'w1') => {
      const headers = { authorization: `Bearer ${shown}`, 'x-icefall-worker': name };
      const body = method === 'PUT' ? 'x' : null;
      const answer = await fetch(`http://127.0.0.1:${server.port}/transfers/${what}`, { method, headers, body });
      await answer.arrayBuffer();
      return answer.status;
    };
    expect(await ask('1?epoch=1001')).toBe(200);
    expect(await ask('1?epoch=1002')).toBe(404);
    expect(await ask('1')).toBe(404);
    expect(await ask('9?epoch=1001')).toBe(404);
    expect(await ask('2?epoch=1001')).toBe(409);
    expect(await ask('1?epoch=1001', token, 'PUT')).toBe(405);
    expect(await ask('1?epoch=1001', 'wrong')).toBe(401);
    expect(await ask('1?epoch=1001', token, 'GET', 'keeper')).toBe(503);
  });
});
