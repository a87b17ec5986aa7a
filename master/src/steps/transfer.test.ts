import { describe, expect, test } from 'vitest';
import { interpolate, prop } from '../properties/references.ts';
import { anOutcome, aRun, beginning, mistakesIn } from './test-run.ts';
import { downloadDirectory, downloadFile, uploadDirectory, uploadFile } from './transfer.ts';

const run = aRun({ properties: { variant: 'base' } });
const failures = [
  [{ exitCode: 1, error: { code: 'not_found', message: 'there is no file' } }, 'FAILURE', 'there is no file'],
  [{ reason: 'interrupted', exitCode: null }, 'CANCELLED', 'interrupted'],
  [{ reason: 'lost', exitCode: null }, 'RETRY', 'lost: the worker stopped while it ran'],
] as const;

describe.each([
  ['uploadFile', uploadFile, 'file'],
  ['uploadDirectory', uploadDirectory, 'directory'],
] as const)('%s', (_name, upload, what) => {
  test(`brings a ${what} from the worker to the master`, () => {
    const options = { from: interpolate`out/${prop('variant')}`, to: interpolate`/srv/${prop('variant')}` };
    expect(beginning(() => upload(options), run)).toEqual({
      do: 'command',
      command: { kind: 'upload', source: 'out/base', what, workdir: 'build', maxBytes: null },
      transfer: { path: '/srv/base', maxBytes: null },
    });
    expect(beginning(() => upload({ from: 'a', to: '/a', workdir: '.', maxBytes: 5 }))).toMatchObject({
      command: { workdir: '.', maxBytes: 5 },
      transfer: { maxBytes: 5 },
    });
  });

  test('says how much came, with a link where it has one', () => {
    const options = { from: 'out', to: '/srv/out', url: interpolate`https://x/${prop('variant')}` };
    expect(
      upload(options)
        .prepare(run)
        .end(anOutcome({ values: { bytes: 15_200 } })),
    ).toEqual({
      result: 'SUCCESS',
      summary: 'uploaded out, 15.2 kB',
      urls: [{ name: 'out', url: 'https://x/base' }],
    });
    expect(upload({ from: 'out', to: '/o' }).prepare(run).end(anOutcome()).urls).toEqual([]);
  });

  test.each(failures)('for %j is %s', (outcome, result, how) => {
    const end = upload({ from: 'a', to: '/a', url: 'u' }).prepare(run).end(anOutcome(outcome));
    expect(end).toEqual({ result, summary: `upload of a: ${how}` });
  });

  test.each([
    [{ from: 'a', to: 'relative' }, /option "to": must be an absolute path on the master \(found "relative"\)/],
    [{ from: '', to: '/a' }, /option "from"/],
    [{ to: '/a' }, /option "from"/],
    [{ from: 'a', to: '/a', maxBytes: 0 }, /option "maxBytes"/],
    [{ from: 'a', to: '/a', mode: 0o644 }, /"mode"/],
  ])('tells %j at load', (options, expected) => {
    expect(mistakesIn(() => upload(options as never))).toEqual([expect.stringMatching(expected)]);
  });

  test('tells a relative path on the master when its reference is known', () => {
    expect(() => upload({ from: 'a', to: prop('variant') }).prepare(run)).toThrow(
      /transfer\.test\.ts:\d+: step upload\w+ "step": option "to": must be an absolute path on the master \(found "base"\)/,
    );
  });
});

describe.each([
  ['downloadFile', downloadFile, 'file'],
  ['downloadDirectory', downloadDirectory, 'directory'],
] as const)('%s', (_name, download, what) => {
  test(`brings a ${what} from the master to the worker`, () => {
    expect(beginning(() => download({ from: '/srv/a', to: prop('variant'), workdir: 'x' }), run)).toEqual({
      do: 'command',
      command: { kind: 'download', destination: 'base', what, workdir: 'x', mode: null },
      transfer: { path: '/srv/a', maxBytes: null },
    });
  });

  test.each(failures)('for %j is %s', (outcome, result, how) => {
    const end = download({ from: '/a', to: 'a' }).prepare(run).end(anOutcome(outcome));
    expect(end).toEqual({ result, summary: `download of a: ${how}` });
  });

  test.each([
    [{ from: '/srv/../etc/shadow', to: 'a' }, /option "from": must not hold \.\. or NUL/],
    [{ from: 'a', to: 'a' }, /option "from": must be an absolute path on the master/],
    [{ from: '/a' }, /option "to"/],
    [{ from: '/a', to: 'a', workdir: '' }, /option "workdir"/],
  ])('tells %j at load', (options, expected) => {
    expect(mistakesIn(() => download(options as never))).toEqual([expect.stringMatching(expected)]);
  });
});

describe('the mode of a download', () => {
  test('is that of the option', () => {
    expect(beginning(() => downloadFile({ from: '/a', to: 'a', mode: 0o755 }))).toMatchObject({
      command: { mode: 0o755 },
    });
  });

  test.each([-1, 0o10000, 1.5, '755'])('is not %j', (mode) => {
    const options = { from: '/a', to: 'a', mode };
    expect(mistakesIn(() => downloadFile(options as never))).toEqual([expect.stringContaining('option "mode"')]);
  });

  test('is not for directories, whose files keep theirs', () => {
    const options: object = { from: '/a', to: 'a', mode: 0o755 };
    expect(mistakesIn(() => downloadDirectory(options as never))).toEqual([expect.stringContaining('"mode"')]);
  });
});
