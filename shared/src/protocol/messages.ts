import { z } from 'zod';
import { commandOutcomeSchema, commandSchema } from './commands.ts';

/**
 * Control messages between master and worker: JSON text frames, one message each. Output travels in binary frames
 * (see frames.ts). A command is named by its id and its epoch; a message with another epoch is refused.
 */

const commandRef = {
  commandId: z.number().int().positive(),
  /** Of the attempt that owns the command. Never reused, also not by a master restored from a backup. */
  epoch: z.number().int().positive(),
};

/** What the worker still holds of a command. */
const heldCommandSchema = z.object({
  ...commandRef,
  state: z.enum(['running', 'finished']),
  /** First byte of the journal that is still kept: everything before was acknowledged. */
  firstOffset: z.number().int().nonnegative(),
  /** Bytes written to the journal so far. */
  endOffset: z.number().int().nonnegative(),
});

export const workerInfoSchema = z.object({
  platform: z.string().max(200),
  arch: z.string().max(50),
  /** From /etc/os-release: PRETTY_NAME, ID and VERSION_ID. */
  os: z.object({ name: z.string().max(200), id: z.string().max(100), version: z.string().max(100) }),
  cpus: z.number().int().positive(),
  memoryBytes: z.number().int().nonnegative(),
  hostname: z.string().max(300),
  versions: z.record(z.string().max(50), z.string().max(200)),
  /** Absolute path below which the worker makes its build directories. */
  baseDirectory: z.string().max(4096),
});
export type WorkerInfo = z.infer<typeof workerInfoSchema>;

const helloSchema = z.object({
  kind: z.literal('hello'),
  protocol: z.object({ major: z.number().int(), minor: z.number().int() }),
  /** Made with the journal's directory: a worker that lost its disk has another one. */
  storeId: z.string().min(8).max(100),
  /** Made when the agent starts. */
  instanceId: z.string().min(8).max(100),
  /** When the agent started, by its clock. With `greeting` it tells a hello that was overtaken by a newer one. */
  startedAt: z.number().optional(),
  /** Number of this hello among those of the agent: it rises. */
  greeting: z.number().int().positive().optional(),
  info: workerInfoSchema,
  commands: z.array(heldCommandSchema),
});
export type Hello = z.infer<typeof helloSchema>;

export const workerMessageSchema = z.discriminatedUnion('kind', [
  helloSchema,
  /** The command's process (or work) has begun. */
  z.object({ kind: z.literal('started'), ...commandRef, at: z.number(), pid: z.number().int().nullable() }),
  /** The command has ended; its journal holds `endOffset` bytes. Repeated after a reconnect until released. */
  z.object({
    kind: z.literal('finished'),
    ...commandRef,
    endOffset: z.number().int().nonnegative(),
    outcome: commandOutcomeSchema,
  }),
  /** The worker is shutting down: give it no more work. */
  z.object({ kind: z.literal('leaving'), reason: z.string().max(500) }),
  z.object({ kind: z.literal('error'), code: z.string(), message: z.string() }),
]);
export type WorkerMessage = z.infer<typeof workerMessageSchema>;

const masterMessageSchema = z.discriminatedUnion('kind', [
  /** Answer to hello. Says for each command the worker holds where to go on, or to end and forget it. */
  z.object({
    kind: z.literal('welcome'),
    protocol: z.object({ major: z.number().int(), minor: z.number().int() }),
    masterId: z.string(),
    commands: z.array(
      z.discriminatedUnion('action', [
        z.object({ action: z.literal('continue'), ...commandRef, offset: z.number().int().nonnegative() }),
        z.object({ action: z.literal('drop'), ...commandRef, reason: z.string() }),
      ]),
    ),
  }),
  z.object({
    kind: z.literal('start'),
    ...commandRef,
    /** Directory of the build, relative to the worker's base directory. */
    buildDirectory: z.string().min(1),
    /** For people: builder, build number and step. */
    label: z.string(),
    command: commandSchema,
    /** By name, the values of the secrets that the command uses, in base64. Since 1.1. */
    secrets: z.record(z.string(), z.base64()).optional(),
  }),
  /** Everything before `offset` is durable on the master. */
  z.object({ kind: z.literal('ack'), ...commandRef, offset: z.number().int().nonnegative() }),
  z.object({ kind: z.literal('interrupt'), ...commandRef, reason: z.string() }),
  /** The outcome is durable on the master: the worker may forget the command. */
  z.object({ kind: z.literal('release'), ...commandRef }),
  /** Stop when idle (drain) or now. */
  z.object({ kind: z.literal('shutdown'), drain: z.boolean(), reason: z.string() }),
  z.object({ kind: z.literal('error'), code: z.string(), message: z.string() }),
]);
export type MasterMessage = z.infer<typeof masterMessageSchema>;

/** Close codes of the WebSocket, with what they mean for the worker. */
export const CLOSE = {
  /** The peer broke the protocol; the reason names the error. The worker reconnects after its longest delay. */
  protocolError: 4400,
  /** The protocol's major version differs. */
  versionMismatch: 4406,
  /** Another agent of this name is connected and alive. */
  nameTaken: 4409,
  /** The master stops; reconnect. */
  goingAway: 1001,
} as const;

/** Raised when a message, frame or record from the other side is not what the protocol says. */
export class ProtocolError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
  }
}

function decode<T>(schema: z.ZodType<T>, text: string, sender: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError(
      'bad_json',
      `the ${sender} sent a text frame of ${text.length} characters that is not JSON`,
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const kind =
    typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string' ? value.kind : '?';
  const issue = parsed.error.issues[0];
  const place = issue === undefined ? '' : ` at ${issue.path.join('.') || 'kind'}: ${issue.message}`;
  throw new ProtocolError('bad_message', `the ${sender} sent a message of kind "${kind.slice(0, 60)}"${place}`);
}

/** Parses and validates a control message from a worker. Throws {@link ProtocolError}. */
export function decodeWorkerMessage(text: string): WorkerMessage {
  return decode(workerMessageSchema, text, 'worker');
}

/** Parses and validates a control message from the master. Throws {@link ProtocolError}. */
export function decodeMasterMessage(text: string): MasterMessage {
  return decode(masterMessageSchema, text, 'master');
}
