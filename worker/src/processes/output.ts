import { STREAM } from '@icefall/shared';

/** Where the output of a command goes: its journal. */
export interface Output {
  /** The data may be used again by the caller afterwards. */
  write(stream: number, data: Uint8Array): void;
  /** Producers should stop until {@link whenRoom}. */
  readonly congested: boolean;
  /** Calls back once when there is room, at once where there is. */
  whenRoom(callback: () => void): void;
}

/** Writes a line of ours, as against the command's. */
export function writeHeader(output: Output, line: string): void {
  output.write(STREAM.header, Buffer.from(`${line}\n`));
}
