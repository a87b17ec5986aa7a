import { createDeflate, deflateSync, constants as zlib } from 'node:zlib';

/** Pieces of a large object that are tried for whether it can be compressed at all. */
const PROBES = 4;
const PROBE_BYTES = 8 * 1024;
/** Share that a probe must lose to be worth the effort of compressing the rest. */
const WORTHWHILE = 0.98;
/** Up to this size making an engine costs more than what it does. */
const SMALL_BYTES = 16 * 1024;
/** More than what zlib can make of small content: it adds five bytes to 16 KiB that cannot be compressed. */
const ROOM_BYTES = 2 * SMALL_BYTES;
const ZEROS = new Uint8Array(SMALL_BYTES);

/**
 * zlib's form at its default level, as the stock tools store all objects. Large content that does not get smaller
 * (archives, images) is put into the same form without trying: clients read both, and it takes a hundredth of the time.
 */
export function compress(content: Uint8Array): Buffer {
  if (content.length <= SMALL_BYTES) return compressSmall(content);
  const level = isCompressible(content) ? zlib.Z_DEFAULT_COMPRESSION : zlib.Z_NO_COMPRESSION;
  return deflateSync(content, { level, chunkSize: Math.min(1024 * 1024, content.length + 64) });
}

function isCompressible(content: Uint8Array): boolean {
  if (content.length < PROBES * PROBE_BYTES * 2) return true;
  const step = Math.floor((content.length - PROBE_BYTES) / (PROBES - 1));
  for (let i = 0; i < PROBES; i += 1) {
    const probe = content.subarray(i * step, i * step + PROBE_BYTES);
    if (deflateSync(probe, { level: zlib.Z_BEST_SPEED }).length < probe.length * WORTHWHILE) return true;
  }
  return false;
}

/** What is below a `Deflate` of Node: zlib itself. */
interface Engine {
  reset(): void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputBytes: number,
    output: Uint8Array,
    outputAt: number,
    outputBytes: number,
  ): void;
}

interface Small {
  readonly engine: Engine;
  /** After each call: the bytes of output that are not used, and those of input. */
  readonly left: Uint32Array;
  readonly room: Buffer;
  /** As far as this the engine has bytes of what it has compressed before. */
  usedBytes: number;
}

let small: Small | null | undefined;

/**
 * By one engine for all: `deflateSync` makes a stream and an engine for every call, which costs a small file three times as
 * much as its compression. Node does not document its engines: where they are not as expected `deflateSync` it is.
 */
function compressSmall(content: Uint8Array): Buffer {
  if (small === undefined) small = findEngine();
  const packed = small === null ? null : run(small, content);
  return packed === null ? deflateSync(content) : Buffer.from(packed);
}

function findEngine(): Small | null {
  const stream = createDeflate();
  const engine: unknown = Reflect.get(stream, '_handle');
  const left: unknown = Reflect.get(stream, '_writeState');
  if (!isEngine(engine) || !(left instanceof Uint32Array)) return null;
  return { engine, left, room: Buffer.alloc(ROOM_BYTES), usedBytes: 0 };
}

function isEngine(engine: unknown): engine is Engine {
  if (typeof engine !== 'object' || engine === null) return false;
  return ['reset', 'writeSync'].every((name) => typeof Reflect.get(engine, name) === 'function');
}

/**
 * Null: not all of it was read, or told. The zlib in Node looks a few bytes behind the end of its input when it seeks
 * repetitions: bytes of longer content of before would change the outcome, and so the object's name. Zeros, which a new engine
 * has there, are put in their place.
 */
function run(small: Small, content: Uint8Array): Buffer | null {
  if (content.length < small.usedBytes) pass(small, ZEROS.subarray(0, small.usedBytes));
  small.usedBytes = content.length;
  return pass(small, content);
}

function pass({ engine, left, room }: Small, content: Uint8Array): Buffer | null {
  engine.reset();
  engine.writeSync(zlib.Z_FINISH, content, 0, content.length, room, 0, room.length);
  const [unused = 0, unread] = left;
  return unread === 0 && unused > 0 ? room.subarray(0, room.length - unused) : null;
}
