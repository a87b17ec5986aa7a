import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { secretsFrom } from './declaration.ts';
import type { SecretProvider } from './provider.ts';

const read = async (provider: SecretProvider, name: string) =>
  (await provider.read(name, new AbortController().signal))?.toString() ?? null;

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'icefall-secrets-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

describe('a directory', () => {
  it('has a secret for each of its files, also where they are links, as Kubernetes makes them', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'token'), 'swordfish\n');
    await symlink('token', join(directory, 'link'));
    const provider = secretsFrom.directory(directory);
    expect([await read(provider, 'token'), await read(provider, 'link')]).toEqual(['swordfish\n', 'swordfish\n']);
    expect([await read(provider, 'other'), await read(provider, 'a/b'), await read(provider, 'a:b')]).toEqual([
      ...[null, null, null],
    ]);
  });

  it('has none that is too large', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'large'), Buffer.alloc(70_000));
    await expect(read(secretsFrom.directory(directory), 'large')).rejects.toMatchObject({ code: 'bad_secret' });
  });

  it('that cannot be read is told by its path', async () => {
    const directory = await temporaryDirectory();
    await symlink('loop', join(directory, 'loop'));
    await expect(read(secretsFrom.directory(directory), 'loop')).rejects.toMatchObject({
      code: 'secret_unavailable',
      message: expect.stringContaining('ELOOP'),
    });
  });
});

it('the environment has those that begin with its prefix only', async () => {
  vi.stubEnv('ICEFALL_SECRET_DEPLOY_TOKEN', 'swordfish');
  onTestFinished(() => void vi.unstubAllEnvs());
  const provider = secretsFrom.environment({ prefix: 'ICEFALL_SECRET_' });
  expect([await read(provider, 'deploy-token'), await read(provider, 'PATH')]).toEqual(['swordfish', null]);
});

describe('a command', () => {
  it('is run without a shell, with the name as its last argument', async () => {
    const provider = secretsFrom.command(['printf', '[%s]']);
    expect(await read(provider, 'a:b')).toBe('[a:b]');
  });

  it('tells by its exit code that it has no such secret', async () => {
    const provider = secretsFrom.command(['sh', '-c', 'exit 7'], { unknownExitCode: 7 });
    expect(await read(provider, 'x')).toBeNull();
  });

  it('that fails is not quoted: it may have printed anything', async () => {
    const provider = secretsFrom.command(['sh', '-c', 'echo swordfish; echo swordfish >&2; exit 3']);
    const error: unknown = await read(provider, 'x').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'secret_unavailable', message: 'the command sh did not tell it (3)' });
    expect(JSON.stringify(error) + String(error)).not.toContain('swordfish');
  });

  it('that does not come to an end is ended when nobody waits any more', async () => {
    const stop = new AbortController();
    const reading = secretsFrom.command(['sleep', '60']).read('5', stop.signal);
    stop.abort();
    await expect(reading).rejects.toMatchObject({ code: 'secret_unavailable' });
  });
});
