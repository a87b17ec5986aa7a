import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseInvocation } from './options.ts';
import { temporaryDirectory } from './test-support/directories.ts';

const enough = { ICEFALL_MASTER: 'ws://m:9989', ICEFALL_WORKER_NAME: 'w1', ICEFALL_WORKER_TOKEN: ' t0ken\n' };

function options(argv: string[], env: Record<string, string> = enough) {
  const invocation = parseInvocation(argv, env);
  if (invocation.kind !== 'work') throw new Error(`it is ${invocation.kind}`);
  return invocation.options;
}

describe('the command line', () => {
  it('needs no options where the environment has all', () => {
    expect(options([])).toEqual({
      master: 'ws://m:9989',
      name: 'w1',
      token: 't0ken',
      tls: { certificate: null, key: null, authority: null },
      directory: process.cwd(),
      once: false,
      lingerMs: 10_000,
      longestDelayMs: 600_000,
      journalLimitBytes: 64 * 1024 * 1024,
      jsonLog: false,
    });
  });

  it('names files for TLS, a certificate only with its key', () => {
    expect(options(['--tls-cert', '/w/w1.crt', '--tls-key', '/w/w1.key', '--tls-ca', '/w/ca.crt'])).toMatchObject({
      tls: { certificate: '/w/w1.crt', key: '/w/w1.key', authority: '/w/ca.crt' },
    });
    expect(() => options(['--tls-cert', '/w/w1.crt'])).toThrow('--tls-cert and --tls-key belong together');
  });

  it('goes before the environment', async () => {
    const file = join(await temporaryDirectory(), 'token');
    await writeFile(file, 'from-file\n');
    const argv = ['--master', 'wss://other/ci/', '--name', 'w2', '--token-file', file, '--dir', '/w', '--once'];
    expect(options([...argv, '--max-delay', '5s', '--linger', '250ms', '--journal-limit', '2M'])).toMatchObject({
      master: 'wss://other/ci',
      name: 'w2',
      token: 'from-file',
      directory: '/w',
      once: true,
      longestDelayMs: 5000,
      lingerMs: 250,
      journalLimitBytes: 2 * 1024 * 1024,
    });
  });

  it('tells help and version without anything else', () => {
    expect(parseInvocation(['--help'], {})).toEqual({ kind: 'help' });
    expect(parseInvocation(['--version'], {})).toEqual({ kind: 'version' });
  });

  it.each([
    [['--mastre', 'x'], /'--mastre'; there are --master, --name, --token-file/],
    [['stray'], /'stray': everything is given by options/],
    [['--master', 'http://m:9989'], /ws:\/\/master\.example/],
    [['--master', 'ws://user:pw@m'], /no user, password/],
    [['--name', 'two words'], /two words/],
    [['--token-file', '/nowhere/token'], /cannot read the token file \/nowhere\/token: there is no such file/],
    [['--max-delay', 'soon'], /--max-delay "soon".*500ms/],
    [['--journal-limit', '10k'], /below 1048576/],
    [['--journal-limit', '-1'], /journal-limit/],
  ])('refuses %j and says why', (argv, message) => {
    expect(() => options(argv)).toThrow(message);
  });

  it.each(['ICEFALL_MASTER', 'ICEFALL_WORKER_NAME', 'ICEFALL_WORKER_TOKEN'])('names %s where it is missing', (name) => {
    expect(() => options([], { ...enough, [name]: '' })).toThrow(new RegExp(name));
  });
});
