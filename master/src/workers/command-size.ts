import { MAX_MESSAGE_BYTES } from '@icefall/shared';

/** What a `start` message holds beside the command and its secrets. */
const REST_BYTES = 64 * 1024;
const MOST_BYTES = MAX_MESSAGE_BYTES - REST_BYTES;

/**
 * Why a command (as JSON) cannot be sent with its secrets; null: it can. A larger message would end the connection, and
 * the next one, and with them all that its worker could do.
 */
export function tooLarge(command: string, secrets: Readonly<Record<string, string>> = {}) {
  const bytes = Buffer.byteLength(command) + Buffer.byteLength(JSON.stringify(secrets));
  if (bytes <= MOST_BYTES) return null;
  const message = `the command, with its environment and input, has ${bytes} bytes; a worker is sent ${MOST_BYTES} at most: put what is long into a file`;
  return { code: 'command_too_large', message };
}
