import { describe, expect, test } from 'vitest';
import { createLogger } from './logger.ts';

function logged(json: boolean, tell: (log: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  const write = (piece: string) => {
    text += piece;
  };
  tell(createLogger({ json, colour: false, write }));
  return text;
}

describe("the master's log", () => {
  test('is one line an event for people, with its facts', () => {
    const text = logged(false, (log) => log.warn({ worker: 'w1', why: 'bad token', count: 3 }, 'a worker was refused'));
    expect(text).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} warn {2}a worker was refused worker=w1 why="bad token" count=3\n$/,
    );
  });

  test('has the stack of an error, under either name', () => {
    for (const name of ['err', 'error']) {
      const text = logged(false, (log) => log.error({ [name]: new Error('no space left') }, 'cannot write'));
      expect(text).toMatch(/error cannot write\n {4}Error: no space left\n {4} {4}at /);
    }
  });

  test('cannot be forged by what others send', () => {
    const text = logged(false, (log) => log.info({ name: 'a\n2026 error b' }, 'x\u001b[2J\ny'));
    expect(text.split('\n')).toHaveLength(2);
    expect(text).not.toContain('\u001b');
  });

  test('is JSON for programs', () => {
    const text = logged(true, (log) => log.info({ url: 'http://x' }, 'runs'));
    expect(JSON.parse(text)).toMatchObject({ level: 30, url: 'http://x', msg: 'runs' });
  });
});
