import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, STREAM } from '@icefall/shared';
import { MASK } from '@icefall/shared/secrets/scrubber';
import { describe, expect, it } from 'vitest';
import { gitOf, shellOf } from '../test-support/commands.ts';
import { FakeMaster } from '../test-support/fake-master.ts';
import { startWorker } from '../test-support/worker.ts';
import { SecretStore } from './secret-store.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function site() {
  const master = await FakeMaster.listen();
  const worker = await startWorker(master);
  await master.connected();
  /** Runs a command with the secret `swordfish` under the name `s`. */
  const run = async (id: number, command: Command, value: string | null = 'swordfish\n', buildDirectory = 'b') => {
    const secrets = value === null ? undefined : { s: base64(value) };
    master.send({ kind: 'start', commandId: id, epoch: 1, buildDirectory, label: 'test', command, secrets });
    return await master.finished(id);
  };
  const secretsDirectory = join(worker.directory, '.icefall', 'secrets');
  return { master, worker, run, secretsDirectory };
}

const none = { env: {}, files: {}, stdin: null };

describe('a secret is handed to a command', () => {
  it('as a variable, which others can name, and nothing in it is expanded', async () => {
    const { master, run } = await site();
    const line = 'test "$TOKEN" = \'a ${HOME} $x\' && test "$AUTH" = "Bearer $TOKEN" && echo same';
    await run(
      1,
      shellOf(line, { env: { AUTH: 'Bearer ${TOKEN}' }, secrets: { ...none, env: { TOKEN: 's' } } }),
      'a ${HOME} $x\n',
    );
    expect(master.stdout(1)).toBe('same\n');
  });

  it('as a file of its own, byte by byte, that is gone afterwards', async () => {
    const { master, run, secretsDirectory } = await site();
    const line = 'stat -c %a "$KEY" "$(dirname "$KEY")"; wc -c < "$KEY"; echo "$KEY" > ../place';
    await run(1, shellOf(line, { secrets: { ...none, files: { KEY: 's' } } }));
    expect(master.stdout(1)).toBe('600\n700\n10\n');
    expect(await readdir(secretsDirectory)).toEqual([]);
    expect((await stat(secretsDirectory)).mode & 0o777).toBe(0o700);
  });

  it('on standard input', async () => {
    const { master, run } = await site();
    await run(1, shellOf('test "$(cat)" = swordfish && echo same', { secrets: { ...none, stdin: 's' } }));
    expect(master.stdout(1)).toBe('same\n');
  });

  it('not at all where its value did not come, or is no text', async () => {
    const { run } = await site();
    const command = shellOf('true', { secrets: { ...none, env: { TOKEN: 'other' } } });
    expect(await run(1, command)).toMatchObject({ reason: 'refused', error: { code: 'secret_missing' } });
    const binary = shellOf('true', { secrets: { ...none, env: { TOKEN: 's' } } });
    expect(await run(2, binary, 'a\0b')).toMatchObject({ reason: 'refused', error: { code: 'bad_secret' } });
  });
});

describe('a secret is not told', () => {
  it('in any stream, followed file, captured output or error', async () => {
    const { master, run } = await site();
    const line = 'echo "a $TOKEN"; echo "b $TOKEN" >&2; printf %s "$TOKEN" | base64; echo "c $TOKEN" > log';
    const logFiles = [{ name: 'log', path: 'log', follow: false }];
    const secrets = { ...none, env: { TOKEN: 's' } };
    const outcome = await run(1, shellOf(line, { capture: true, logFiles, secrets }));
    expect(master.stdout(1)).toBe(`a ${MASK}\n${MASK}\n`);
    expect(master.replica(1).text(STREAM.stderr)).toBe(`b ${MASK}\n`);
    expect(master.replica(1).text(STREAM.firstLogFile)).toBe(`c ${MASK}\n`);
    expect(outcome.values).toEqual({ stdout: `a ${MASK}\n${MASK}\n`, stderr: `b ${MASK}\n` });
  });

  it('by later commands in the same directory, which were not given it', async () => {
    const { master, run } = await site();
    const secrets = { ...none, env: { TOKEN: 's' } };
    await run(1, shellOf('echo "$TOKEN" > left; touch "left-$TOKEN"', { secrets }));
    const later = await run(2, shellOf('cat left; ls no-$(cat left)'), null);
    expect(later.exitCode).not.toBe(0);
    const listed = await run(3, { kind: 'glob', pattern: 'left-*', workdir: 'build' }, null);
    expect(listed.values).toEqual({ paths: [`left-${MASK}`] });
    await run(4, shellOf('cat ../../b/build/left'), null, 'other');
    const seen = [1, 2, 3].map((id) => master.replica(id).bytes.toString('latin1')).join('');
    expect(seen).toContain(MASK);
    expect(seen).not.toContain('swordfish');
  });

  it('by Git, in an address that it complains about', async () => {
    const { master, run } = await site();
    const env = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'url.file:///no/${TOKEN}/.insteadOf',
      GIT_CONFIG_VALUE_0: 'x:',
    };
    const outcome = await run(1, gitOf('x:r', { env, secrets: { ...none, env: { TOKEN: 's' } } }));
    expect(outcome.exitCode).not.toBe(0);
    expect(master.replica(1).text(STREAM.stdout, STREAM.stderr)).toContain(`/no/${MASK}/`);
    expect(master.replica(1).bytes.toString('latin1')).not.toContain('swordfish');
  });

  it('on the disk of the worker, while the journal is kept or after', async () => {
    const { master, run, worker } = await site();
    master.releases = false;
    const secrets = { env: { TOKEN: 's' }, files: { KEY: 's' }, stdin: 's' };
    await run(1, shellOf('cat; cat "$KEY"; echo "$TOKEN"; exit 1', { secrets, capture: true }));
    const files = await readdir(join(worker.directory, '.icefall'), { recursive: true, withFileTypes: true });
    const texts = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
    );
    expect(texts.some((text) => text.includes(MASK))).toBe(true);
    expect(texts.filter((text) => text.includes('swordfish'))).toEqual([]);
  });
});

it('files of secrets that a dead agent left are removed when the next one starts', async () => {
  const master = await FakeMaster.listen();
  const worker = await startWorker(master);
  await master.connected();
  const secrets = { ...none, files: { KEY: 's' } };
  const command = shellOf('echo begun; sleep 60', { secrets });
  master.send({
    kind: 'start',
    commandId: 1,
    epoch: 1,
    buildDirectory: 'b',
    label: 't',
    command,
    secrets: { s: base64('swordfish') },
  });
  await master.until(() => master.stdout(1) !== '');
  const directory = join(worker.directory, '.icefall', 'secrets');
  const [left] = await readdir(directory);
  expect(left).toBeDefined();
  await SecretStore.open(directory);
  expect(await readdir(directory)).toEqual([]);
});
