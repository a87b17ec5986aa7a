import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { takeProblems } from '../config/problems.ts';
import { FakeVault } from './fake-vault.ts';
import { type VaultAuth, vault } from './vault.ts';

async function fixture() {
  const server = await FakeVault.listen();
  onTestFinished(() => server[Symbol.asyncDispose]());
  const directory = await mkdtemp(join(tmpdir(), 'icefall-vault-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  server.entries.set('ci/deploy', { token: 'swordfish', value: 'plain', port: 22 });
  const file = async (name: string, text: string) => {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  };
  const open = (auth: VaultAuth) => {
    const provider = vault({ url: server.url, path: 'ci', auth });
    return async (name: string) => (await provider.read(name, new AbortController().signal))?.toString() ?? null;
  };
  return { server, file, open };
}

describe('Vault', () => {
  it('is read with a token: a field of an entry, or its value', async () => {
    const { file, open } = await fixture();
    const read = open({ token: { file: await file('token', 'root-token\n') } });
    expect([await read('deploy:token'), await read('deploy'), await read('deploy:port')]).toEqual([
      ...['swordfish', 'plain', '22'],
    ]);
    expect([await read('deploy:none'), await read('none')]).toEqual([null, null]);
  });

  it('is logged in to by AppRole, once for as long as the login lasts', async () => {
    const { server, file, open } = await fixture();
    const read = open({ appRole: { roleId: 'role', secretId: { file: await file('id', 'role-secret') } } });
    expect([await read('deploy'), await read('deploy')]).toEqual(['plain', 'plain']);
    const login = 'POST /v1/auth/approle/login';
    const get = 'GET /v1/secret/data/ci/deploy';
    expect(server.asked).toEqual([login, get, get]);
    server.tokens.delete('login-1');
    expect(await read('deploy')).toBe('plain');
    expect(server.asked.slice(3)).toEqual([get, login, get]);
  });

  it('is logged in to anew when a login is about to end', async () => {
    const { server, file, open } = await fixture();
    server.leaseSeconds = 20;
    const read = open({ appRole: { roleId: 'role', secretId: { file: await file('id', 'role-secret') } } });
    await read('deploy');
    await read('deploy');
    expect(server.asked.filter((asked) => asked.startsWith('POST'))).toHaveLength(2);
  });

  it('is logged in to with the token of a Kubernetes service account', async () => {
    const { file, open } = await fixture();
    const read = open({ kubernetes: { role: 'icefall', tokenFile: await file('jwt', 'service-jwt') } });
    expect(await read('deploy:token')).toBe('swordfish');
  });

  it.each([
    ['a wrong token', { token: 'wrong' }, /answered 403: its policy/],
    ['a wrong login', { login: 'wrong' }, /answered 400: its policy/],
  ])('refuses %s, and the error holds neither it nor a secret', async (_name, what, message) => {
    const { file, open } = await fixture();
    const wrong = { file: await file('wrong', 'wrong-credential') };
    const read = open('token' in what ? { token: wrong } : { appRole: { roleId: 'role', secretId: wrong } });
    const error: unknown = await read('deploy').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'secret_unavailable', message: expect.stringMatching(message) });
    expect(String(error)).not.toMatch(/wrong-credential|swordfish/);
  });

  it('that is sealed or gone is told so', async () => {
    const { server, file, open } = await fixture();
    const read = open({ token: { file: await file('token', 'root-token') } });
    server.sealed = true;
    await expect(read('deploy')).rejects.toThrow(/answered 503: it is sealed/);
    await server[Symbol.asyncDispose]();
    await expect(read('deploy')).rejects.toThrow(/cannot be reached/);
  });

  it('that sends the master to another service is not followed: neither there, nor with its token', async () => {
    const { server, file, open } = await fixture();
    const other = await FakeVault.listen();
    onTestFinished(() => other[Symbol.asyncDispose]());
    other.entries.set('ci/deploy', { value: 'of another service' });
    server.elsewhere = `${other.url}/v1/secret/data/ci/deploy`;
    await expect(open({ token: { file: await file('token', 'root-token') } })('deploy')).rejects.toMatchObject({
      code: 'secret_unavailable',
    });
    expect(other.asked).toEqual([]);
  });

  it.each([
    [{ url: 'file:///etc/passwd', auth: { token: { env: 'X' } } }],
    [{ url: 'http://h', auth: { token: { env: 'X' } }, mount: '../sys' }],
    [{ url: 'http://h', auth: {} as never }],
  ])('refuses options that are none: %j', (options) => {
    takeProblems();
    vault(options);
    expect(takeProblems()).not.toEqual([]);
  });
});
