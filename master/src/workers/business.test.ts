import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  encodeOutputFrame,
  PROTOCOL_NAME,
  transferPath,
  WORKER_NAME_HEADER,
  WORKER_SOCKET_PATH,
  type WorkerMessage,
  workerMessageSchema,
} from '@icefall/shared';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Access } from '../access/access.ts';
import { ApiTokens } from '../access/api-tokens.ts';
import { startWorkerServer } from './server.ts';
import { HELLO, outcome, recordOf, siteWith, TestAgent, TestRoom } from './test-room.ts';

/** A worker minds its own commands' business: whatever it says of another worker's command changes nothing. */

const MINE = { commandId: 1, epoch: 1001 } as const;
/** Of each kind of message, one that speaks of the command of w1; null: the kind speaks of no command. */
const OF_ANOTHERS: { readonly [K in WorkerMessage['kind']]: Extract<WorkerMessage, { kind: K }> | null } = {
  hello: { ...HELLO, commands: [{ ...MINE, state: 'finished', firstOffset: 0, endOffset: 0 }] },
  started: { kind: 'started', ...MINE, at: 1, pid: 666 },
  finished: { kind: 'finished', ...MINE, endOffset: 0, outcome: outcome({ exitCode: 0 }) },
  leaving: null,
  error: null,
};

/** Two workers; w1 runs command 1 and has written a line. */
function twoWorkers() {
  const room = new TestRoom(siteWith({ name: 'w1' }, { name: 'w2' }));
  onTestFinished(() => room.logs.close());
  const honest = room.connect('w1');
  const build = room.build('w1');
  room.order(build);
  honest.says({ kind: 'started', ...MINE, at: 1, pid: 77 });
  honest.output(MINE.commandId, MINE.epoch, 'mine\n');
  const state = () => ({
    told: [...room.told],
    record: room.row('SELECT id, worker, state, pid FROM commands'),
    text: room.text(build),
    heard: honest.heard,
    builds: room.row('SELECT state, result FROM builds'),
  });
  return { room, honest, state };
}

describe("another worker's command", () => {
  test('is spoken of in every kind of message that there is', () => {
    const kinds = workerMessageSchema.options.map((option) => option.shape.kind.value);
    expect(Object.keys(OF_ANOTHERS).sort()).toEqual([...kinds].sort());
  });

  test.each(Object.entries(OF_ANOTHERS).filter(([, message]) => message !== null))(
    'is not touched by "%s" about it',
    (kind, message) => {
      const { room, state } = twoWorkers();
      const before = state();
      const other = new TestAgent(room.workers, 'w2');
      if (kind !== 'hello') other.says(HELLO);
      if (message !== null) other.says(message);
      expect(state()).toEqual(before);
      // It is never told what the command is.
      expect(other.heard.filter((word) => word.startsWith('start'))).toEqual([]);
    },
  );

  test('takes no output from it, nor one from a worker that has not said hello', () => {
    const { room, state } = twoWorkers();
    const before = state();
    const other = room.connect('w2');
    other.output(MINE.commandId, MINE.epoch, 'forged\n', 0);
    expect(other.heard.at(-1)).toBe('error unknown_command');
    new TestAgent(room.workers, 'w2').output(MINE.commandId, MINE.epoch, 'forged\n', 0);
    expect(state()).toEqual(before);
  });

  test('is not paused, and not lost, when the other worker leaves or complains', () => {
    const { room, state } = twoWorkers();
    const before = state();
    const other = room.connect('w2');
    other.says({ kind: 'leaving', reason: 'x' });
    other.says({ kind: 'error', code: 'x', message: 'y' });
    other.cut();
    expect(state()).toEqual(before);
    expect(room.workers.isAvailable('w1')).toBe(true);
  });
});

/** Everybody but the worker itself, and the code of their refusal at its door. */
const REFUSED = {
  anonymous: 'bad_token',
  viewer: 'api_token',
  forcer: 'api_token',
  admin: 'api_token',
  'another worker': 'bad_token',
  'revoked token': 'bad_token',
} as const;
type Who = keyof typeof REFUSED;

/** Whatever can be said to the worker port: each kind of message, output, and transfers. */
const SAID: Readonly<Record<string, Buffer>> = {
  ...Object.fromEntries(
    workerMessageSchema.options.map((option) => {
      const kind = option.shape.kind.value;
      const message = OF_ANOTHERS[kind] ?? { kind, reason: 'x', code: 'x', message: 'x' };
      return [kind, socketFrame(1, Buffer.from(JSON.stringify(message)))];
    }),
  ),
  output: socketFrame(2, encodeOutputFrame({ ...MINE, offset: 0, payload: recordOf('forged\n') })),
  GET: Buffer.alloc(0),
  PUT: Buffer.from('forged'),
};

/** A whole frame as clients send it (RFC 6455, section 5.2), masked with zeros. */
function socketFrame(opcode: number, payload: Uint8Array): Buffer {
  const head = Buffer.from([0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([head, payload]);
}

/** Asks to be let in as w1 and says something in the same breath. Gives the answer. */
async function barge(port: number, token: string | null, what: string): Promise<string> {
  const said = SAID[what] ?? Buffer.alloc(0);
  const isTransfer = what === 'GET' || what === 'PUT';
  const path = isTransfer ? `${transferPath(MINE.commandId)}?epoch=${MINE.epoch}` : WORKER_SOCKET_PATH;
  const lines = [
    `${isTransfer ? what : 'GET'} ${path} HTTP/1.1`,
    ...['host: x', `${WORKER_NAME_HEADER}: w1`, ...(token === null ? [] : [`authorization: Bearer ${token}`])],
    ...(isTransfer
      ? [`content-length: ${said.length}`, 'connection: close']
      : ['connection: upgrade', 'upgrade: websocket', `sec-websocket-protocol: ${PROTOCOL_NAME}`]),
    ...['sec-websocket-version: 13', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='],
  ];
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), said]));
  return text(socket);
}

describe('the port for workers', () => {
  async function guarded() {
    const made = twoWorkers();
    const { room } = made;
    const server = await startWorkerServer(room.workers, { host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.close());
    const api = new ApiTokens(room.core);
    const ofPerson = (allow: readonly ('view' | 'force' | 'admin')[]) => {
      const scope = { allow, builders: null };
      const expiresAt = room.core.now() + 1e9;
      return api.create({ name: 't', user: null, scope, createdBy: 'ada', expiresAt }).token;
    };
    const revoked = room.workers.issueToken('w1');
    const tokens: Readonly<Record<Who, string | null>> = {
      anonymous: null,
      viewer: ofPerson(['view']),
      forcer: ofPerson(['force']),
      admin: ofPerson(['admin']),
      'another worker': room.workers.issueToken('w2'),
      'revoked token': revoked,
    };
    return { ...made, server, tokens, token: room.workers.issueToken('w1') };
  }

  test.each(Object.keys(SAID))('hears "%s" of nobody but the worker itself', async (what) => {
    const { server, tokens, state } = await guarded();
    const before = state();
    for (const who of Object.keys(REFUSED) as Who[]) {
      const answer = await barge(server.port, tokens[who], what);
      expect(answer, who).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer, who).toContain(`{"error":{"code":"${REFUSED[who]}",`);
      expect(state(), who).toEqual(before);
    }
  });

  test('lets the worker itself in, by the same door', async () => {
    const { server, token } = await guarded();
    expect(await barge(server.port, token, 'GET')).toContain('no_transfer');
  });

  test('does not keep the connection of who is refused and sends on, byte by byte', async () => {
    const { room, server } = await guarded();
    const socket = connect(server.port, '127.0.0.1');
    const head = `PUT ${transferPath(MINE.commandId)} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n`;
    socket.write(`${head}x`);
    await once(socket, 'data');
    const closed = once(socket.on('error', () => {}).resume(), 'close');
    room.clock.advance(30_000);
    await closed;
  });

  test('is the only one that its token opens: the API takes it for no token of its own', async () => {
    const { room, token } = await guarded();
    const access = new Access(room.core, room.config, null);
    const shown = { address: '127.0.0.1', isLocal: true, authorization: `Bearer ${token}`, cookie: undefined };
    expect(() => access.callerOf(shown)).toThrow(expect.objectContaining({ code: 'bad_token' }));
    expect(() => access.callerOf({ ...shown, authorization: undefined })).not.toThrow();
  });
});

describe('a token that is revoked', () => {
  test('ends the connection of its worker, and lets nobody in', () => {
    const { room, honest } = twoWorkers();
    const token = room.workers.issueToken('w1');
    const ask = () =>
      room.workers.authentication.check({ name: 'w1', authorization: `Bearer ${token}`, address: '192.0.2.1' });
    expect(ask()).toBeNull();
    expect(room.workers.revokeToken('w1')).toBe(true);
    expect(honest.end).toContain('its token was revoked');
    expect(ask()).toMatchObject({ code: 'no_token' });
    expect(room.workers.revokeToken('w1')).toBe(false);
  });
});
