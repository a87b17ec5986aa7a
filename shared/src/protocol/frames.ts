import { ProtocolError } from './messages.ts';

/**
 * A binary frame carries a piece of one command's journal:
 * `u8 type (1) · u64 command id · u64 epoch · u64 offset of the payload in the journal · payload`, big endian.
 * The payload is whole journal records (see journal.ts).
 */
export interface OutputFrame {
  readonly commandId: number;
  readonly epoch: number;
  /** Of the payload's first byte in the command's journal. */
  readonly offset: number;
  readonly payload: Uint8Array;
}

const OUTPUT = 1;
const FRAME_HEADER_BYTES = 25;

/** Encodes a frame; the payload is copied. */
export function encodeOutputFrame(frame: OutputFrame): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + frame.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, OUTPUT);
  view.setBigUint64(1, BigInt(frame.commandId));
  view.setBigUint64(9, BigInt(frame.epoch));
  view.setBigUint64(17, BigInt(frame.offset));
  bytes.set(frame.payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** Decodes a frame; the payload is a view into `bytes`. Throws {@link ProtocolError}. */
export function decodeOutputFrame(bytes: Uint8Array): OutputFrame {
  if (bytes.length < FRAME_HEADER_BYTES)
    throw new ProtocolError('bad_frame', `a binary frame of ${bytes.length} bytes is shorter than its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const type = view.getUint8(0);
  if (type !== OUTPUT) throw new ProtocolError('bad_frame', `a binary frame has the unknown type ${type}`);
  const [commandId, epoch, offset] = [view.getBigUint64(1), view.getBigUint64(9), view.getBigUint64(17)].map(Number);
  if (!Number.isSafeInteger(commandId) || !Number.isSafeInteger(epoch) || !Number.isSafeInteger(offset))
    throw new ProtocolError('bad_frame', 'a binary frame names a command, epoch or offset beyond 2^53');
  return {
    commandId: commandId as number,
    epoch: epoch as number,
    offset: offset as number,
    payload: bytes.subarray(FRAME_HEADER_BYTES),
  };
}
