import { MAX_MESSAGE_BYTES } from '@icefall/shared';
import type { CommandEnd } from './context.ts';

/** What a `finished` message holds beside the values. */
const REST_BYTES = 64 * 1024;
const LIMIT_BYTES = MAX_MESSAGE_BYTES - REST_BYTES;

/** Captured streams are the beginning of something anyhow; a cut of any other value would be a lie. */
const CUTTABLE = ['stdout', 'stderr'];

/** An outcome travels in one message: cuts captured output that does not fit, and fails where anything else does not. */
export function fitIntoMessage(end: CommandEnd, limitBytes: number = LIMIT_BYTES): CommandEnd {
  let values = end.values;
  while (sizeOf(values) > limitBytes) {
    const [name, text] = longestText(values);
    if (name === null) return tooLarge(end, limitBytes);
    // Halves: how much JSON makes of a character differs between one and six bytes.
    values = { ...values, [name]: text.slice(0, Math.floor(text.length / 2)) };
  }
  return values === end.values ? end : { ...end, values };
}

function sizeOf(values: CommandEnd['values']): number {
  return Buffer.byteLength(JSON.stringify(values));
}

function longestText(values: CommandEnd['values']): [string, string] | [null, null] {
  let longest: [string, string] | [null, null] = [null, null];
  for (const name of CUTTABLE) {
    const text = values[name];
    if (typeof text === 'string' && text.length > (longest[1]?.length ?? 0)) longest = [name, text];
  }
  return longest;
}

function tooLarge(end: CommandEnd, limitBytes: number): CommandEnd {
  const message = `the answer of the command is larger than the ${limitBytes} bytes that a message can hold`;
  return { ...end, exitCode: 1, error: { code: 'too_large', message }, values: {} };
}
