import { PROTOCOL_MAJOR, PROTOCOL_MINOR, PROTOCOL_NAME, WORKER_NAME_HEADER, WORKER_SOCKET_PATH } from '@icefall/shared';
import { WebSocket } from 'ws';

/** What became of a connection on which an agent did not keep to the protocol. */
export interface RogueOutcome {
  /** Codes of the errors that it was told, in order; `welcome` for a welcome. */
  readonly told: readonly string[];
  /** How the master closed the connection; null: it did not. */
  readonly closed: number | null;
}

interface RogueOptions {
  readonly port: number;
  readonly name: string;
  readonly token: string;
}

/**
 * Connects as an agent with a right token, and sends whatever it is given. Ends when the master closes the connection,
 * or has told as much as `answers` says.
 */
export function misbehave(
  { port, name, token }: RogueOptions,
  frames: readonly (string | Uint8Array)[],
  answers = Number.POSITIVE_INFINITY,
): Promise<RogueOutcome> {
  const headers = { authorization: `Bearer ${token}`, [WORKER_NAME_HEADER]: name };
  const socket = new WebSocket(`ws://127.0.0.1:${port}${WORKER_SOCKET_PATH}`, PROTOCOL_NAME, { headers });
  const told: string[] = [];
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      for (const frame of frames) socket.send(frame);
    });
    socket.on('message', (data) => {
      const message: { kind: string; code?: string } = JSON.parse(String(data));
      told.push(message.code ?? message.kind);
      if (told.length < answers) return;
      resolve({ told, closed: null });
      socket.close();
    });
    socket.on('close', (closed) => resolve({ told, closed }));
    socket.on('error', reject);
  });
}

/** A hello that is right, with what is given changed. */
export function hello(changes: object = {}): string {
  return JSON.stringify({
    kind: 'hello',
    protocol: { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR },
    storeId: 'rogue-store',
    instanceId: 'rogue-instance',
    info: {
      platform: 'linux',
      arch: 'x64',
      os: { name: 'Rogue', id: 'rogue', version: '1' },
      cpus: 1,
      memoryBytes: 0,
      hostname: 'rogue',
      versions: {},
      baseDirectory: '/nonexistent',
    },
    commands: [],
    ...changes,
  });
}
