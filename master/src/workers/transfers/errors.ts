import { getSystemErrorMessage } from 'node:util';

/** A transfer that cannot be done; what the worker is answered. It takes all but a 503 as final. */
export class TransferError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransferError';
    this.status = status;
    this.code = code;
  }
}

const CONNECTION_CODES = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR']);

/** True for the end of a connection rather than a fault of what was to travel on it. */
export function isConnectionFault(error: unknown): boolean {
  return CONNECTION_CODES.has(codeOf(error));
}

/** What a system call said about a file, as an answer that names the path on the master. Other errors are given back as they are. */
export function systemFault(error: unknown, path: string): unknown {
  if (isConnectionFault(error)) return error;
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') return error;
  const words = getSystemErrorMessage(error.errno) ?? codeOf(error);
  return new TransferError(409, 'disk', `${path} on the master: ${words}`, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
