import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccessOptions } from '../config/access.ts';
import { builder, factory } from '../config/builders.ts';
import { mailReporter } from '../config/reporters.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import { BuildViews } from '../events/build-views.ts';
import { StepViews } from '../events/step-views.ts';
import { LogFileError } from '../logs/frame-file.ts';
import { secret } from '../secrets/reference.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { shell } from '../steps/shell.ts';
import { type LetterRooms, lettersOf } from './letters.ts';
import { CHANGE, rightly } from './test-report.ts';

const w1 = worker({ name: 'w1' });
const linux = builder({
  name: 'linux',
  workers: [w1],
  factory: factory([shell({ name: 'compile', command: 'make' })]),
});
const reporter = rightly(() =>
  mailReporter({
    ...{ name: 'mail', from: 'ci@example.org', to: ['team@example.org', 'authors'] },
    ...{ server: { host: 'm', user: 'ci', password: secret('mail') }, authors: { domains: ['example.org'] } },
  }),
);
const declared = { title: 'Test', url: 'https://ci.example.org/', workers: [w1], builders: [linux] };
const OPEN = site(declared);
const withRole = (role: AccessOptions['roles'][string]): SiteDeclaration =>
  site({ ...declared, access: { roles: { role } } });

let it: SimulatedSite;
let rooms: LetterRooms;
beforeEach(() => {
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i} \u001b[31m${'x'.repeat(1000)}`);
  it = new SimulatedSite({ site: OPEN, work: () => ({ durationMs: 100, exitCode: 2, lines }) }).connectAll();
  const { core, config, changes, logs } = it.master.rooms;
  core.turn(() => {
    const texts = { files: '[]', commits: '[]', properties: '{}', source: 's', at: 0, received_at: 0 };
    const { author, message, repository } = CHANGE;
    core.db.insert('changes', { author, message, repository, codebase: '', project: '', ...texts });
  });
  it.request(['linux'], { changeIds: [1] });
  it.run(5000);
  const views = new BuildViews(core.db, new StepViews(core.db, logs));
  rooms = { config, views, changes, logs, secret: async () => Buffer.from('swordfish\n'), now: () => core.now() };
});
afterEach(() => it[Symbol.dispose]());

const WAITING = { id: 1, build_id: 1, moment: 'end', previous: null, at: 0, tries: 0, next_try_at: null } as const;
async function mail(more: Partial<LetterRooms> = {}) {
  const { letters } = await lettersOf({ ...rooms, ...more }, reporter, WAITING);
  const [letter] = letters;
  if (letter?.via !== 'mail') throw new Error('there is no mail');
  return letter;
}

describe('a letter', () => {
  test('holds the end of the log of what failed, plain and bounded, and the password as it is now', async () => {
    const { text, password, subject } = await mail();
    expect([subject, password]).toEqual(['[Test] linux #1 failed', 'swordfish']);
    expect(text).toContain('https://ci.example.org/builds/1#step-0');
    expect(text).not.toContain('\u001b');
    expect(text.match(/^ {2}line \d+/gm)?.length).toBeLessThanOrEqual(40);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(510);
    expect(text).toContain('line 99');
  });

  test('tells that a build failed though its log is damaged, and that it is', async () => {
    const { logs } = rooms;
    const damaged = Object.create(logs, {
      lines: {
        value: () => {
          throw new LogFileError('/state/logs/1', 'its index is damaged');
        },
      },
    });
    expect((await mail({ logs: damaged })).text).toMatch(/\(it cannot be read: .*its index is damaged/);
  });

  test('goes to authors only if everybody who signs in may view the build', async () => {
    const to = async (declaration: SiteDeclaration) => {
      it.configure(declaration);
      return (await mail()).to;
    };
    const all = ['team@example.org', 'ada@example.org'];
    expect(await to(OPEN)).toEqual(all);
    expect(await to(withRole({ allow: ['view'], members: 'everyone' }))).toEqual(all);
    expect(await to(withRole({ allow: ['view'], members: 'signedIn' }))).toEqual(all);
    expect(await to(withRole({ allow: ['view'], members: { groups: ['few'] } }))).toEqual(['team@example.org']);
    expect(await to(withRole({ allow: ['view'], builders: [], members: 'everyone' }))).toEqual(['team@example.org']);
  });

  test('is not written without its secret, and waits for it', async () => {
    const missing = () => Promise.reject(new Error('secret "mail" is nowhere'));
    await expect(mail({ secret: missing })).rejects.toMatchObject({
      code: 'down',
      message: 'secret "mail" is nowhere',
    });
    const twoLines = () => Promise.resolve(Buffer.from('sword\r\nfish'));
    await expect(mail({ secret: twoLines })).rejects.toMatchObject({
      code: 'down',
      message: expect.stringMatching(/not one line of text/),
    });
  });

  test('about a build that is gone is given up', async () => {
    await expect(lettersOf(rooms, reporter, { ...WAITING, build_id: 99 })).rejects.toMatchObject({ code: 'refused' });
  });
});
