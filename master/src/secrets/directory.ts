import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { callerPlace, reportIssues } from '../config/problems.ts';
import { MOST_SECRET_BYTES, SecretError, type SecretProvider } from './provider.ts';

const pathSchema = z.string().min(1);

/** Secrets that are files of a directory, by name: as Docker (`/run/secrets`) and Kubernetes mount them. */
export function directory(path: string): SecretProvider {
  const place = callerPlace();
  const parsed = pathSchema.safeParse(path);
  if (!parsed.success) reportIssues(place, 'secretsFrom.directory', path, parsed.error.issues);
  const from = resolve(parsed.data ?? '.');
  const title = `directory ${from}`;
  return Object.freeze({ type: 'secretProvider' as const, title, place, read: (name: string) => readIn(from, name) });
}

async function readIn(from: string, name: string): Promise<Buffer | null> {
  // Kubernetes mounts files as links into a directory beside them; names hold no `..` and no slash at their beginning.
  if (/[/:]/.test(name)) return null;
  const path = resolve(from, name);
  try {
    // A pipe would be waited for for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > MOST_SECRET_BYTES)
      throw new SecretError('bad_secret', `the secret ${path} is larger than ${MOST_SECRET_BYTES} bytes`);
    return await file.readFile();
  } catch (error) {
    if (error instanceof SecretError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new SecretError('secret_unavailable', `the secret ${path} cannot be read (${code})`);
  }
}
