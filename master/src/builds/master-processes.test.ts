import type { CommandOutcome } from '@icefall/shared';
import { MASK } from '@icefall/shared/secrets/scrubber';
import { expect, onTestFinished, test, vi } from 'vitest';
import { realClock } from '../engine/real.ts';
import type { SecretAnswer } from '../secrets/secrets.ts';
import type { StepAction } from '../steps/step.ts';
import { siteWith, TestRoom, temporaryDirectory } from '../workers/test-room.ts';
import { MasterProcesses } from './master-processes.ts';

type MasterCommand = Extract<StepAction, { do: 'masterCommand' }>;
const SECRET = "pl4nted?Sec+ret&'q";
const OTHER = 'another-secret-of-the-site';

/** The master's processes, whose secrets are answered by `answer`; by default with {@link SECRET}. */
function setUp(
  values: Readonly<Record<string, string>> = { token: `${SECRET}\n` },
  isOwn: (variable: string) => boolean = () => false,
) {
  const room = new TestRoom(siteWith({ name: 'w1' }), { clock: realClock });
  const asked: ((answer: SecretAnswer) => void)[] = [];
  const fetch = (_build: number, _names: readonly string[], answer: (answer: SecretAnswer) => void) =>
    void asked.push(answer);
  const processes = new MasterProcesses(room.core, room.logs, { fetch }, isOwn);
  onTestFinished(() => {
    processes.close();
    room.workers.stop();
    room.logs.close();
  });
  const encoded = Object.entries(values).map(([name, value]) => [
    name,
    Buffer.from(value, 'latin1').toString('base64'),
  ]);
  const answerAll = (answer: SecretAnswer = { values: Object.fromEntries(encoded) }) => {
    for (const tell of asked.splice(0)) tell(answer);
  };
  const begin = (command: string | readonly string[], secrets: MasterCommand['secrets'] = { TOKEN: 'token' }) => {
    const step = { buildId: room.build(), stepNumber: 0 };
    const ended = new Promise<CommandOutcome>((resolve) => {
      processes.finished.on(({ buildId, outcome }) => {
        if (buildId === step.buildId) resolve(outcome);
      });
    });
    const where = { workdir: temporaryDirectory(), env: { PLAIN: 'plain' }, maxTimeMs: null };
    processes.start(step, { do: 'masterCommand', command, ...where, secrets });
    return { step, ended, text: () => room.text(step.buildId) };
  };
  return { processes, begin, answerAll, asked };
}

test('a program on the master is given its secret, and what it shows of it is not seen, on either stream', async () => {
  const { begin, answerAll } = setUp();
  const script = `test "$TOKEN" = "pl4nted?Sec+ret&'q" && echo "it is $PLAIN: $TOKEN;"
    printf %s "$TOKEN" | base64 >&2; for part in "pl4nted?S" "ec+ret&'q"; do printf %s "$part"; sleep 0.05; done; exit 3`;
  const { ended, text } = begin(script);
  answerAll();
  expect(await ended).toMatchObject({ reason: 'exited', exitCode: 3 });
  expect(text()).toContain(`it is plain: ${MASK};`);
  const squeezed = text().replace(/\s/g, '');
  for (const part of ['pl4nted', 'Sec+ret', Buffer.from(SECRET).toString('base64').slice(4, 16)])
    expect(squeezed).not.toContain(part);
});

test('nor what a later one shows of it, which was given none', async () => {
  const { begin, answerAll } = setUp();
  const first = begin('true');
  answerAll();
  await first.ended;
  const later = begin(['echo', `found ${SECRET} there`], {});
  await later.ended;
  expect(later.text()).toContain(`found ${MASK} there`);
});

test("the master's own secrets are not inherited by a program, and other variables are", async () => {
  vi.stubEnv('OWN_SECRET_DEPLOY', OTHER);
  vi.stubEnv('NO_SECRET', 'seen');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { begin } = setUp({}, (variable) => variable.startsWith('OWN_SECRET_'));
  const { ended, text } = begin('env', {});
  await ended;
  expect(text()).toContain('NO_SECRET=seen');
  expect(text()).not.toContain('OWN_SECRET');
});

test('text in other letters comes whole, in whatever pieces it comes', async () => {
  const { begin, answerAll } = setUp();
  const { ended, text } = begin(`printf 'gr\\303'; sleep 0.05; printf '\\266\\303\\237er\\n'`);
  answerAll();
  await ended;
  expect(text()).toContain('größer');
});

test('a program whose secret is refused does not run, and the reason is told', async () => {
  const { begin, answerAll } = setUp();
  const { ended, text } = begin('echo ran');
  const error = { code: 'secret_refused', message: 'secret "token" is not given: no rule' };
  answerAll({ error });
  expect(await ended).toMatchObject({ reason: 'refused', exitCode: null, error });
  expect(text()).not.toContain('ran');
});

test('a value that is no text is refused, without a word of it', async () => {
  const { begin, answerAll } = setUp({ token: `\0${OTHER}` });
  const { ended } = begin('echo ran');
  answerAll();
  const { error } = await ended;
  expect(error).toMatchObject({ code: 'bad_secret', message: expect.stringContaining('"token"') });
  expect(JSON.stringify(error)).not.toContain(OTHER);
});

test('a step that is stopped while its secret is being fetched ends at once, and its program is never started', async () => {
  const { processes, begin, answerAll, asked } = setUp();
  const { step, ended, text } = begin('echo ran');
  expect(asked).toHaveLength(1);
  processes.interrupt(step);
  expect(await ended).toMatchObject({ reason: 'interrupted', exitCode: null });
  answerAll();
  expect(text()).not.toContain('ran');
});
