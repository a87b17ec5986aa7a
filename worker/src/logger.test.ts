import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function logged(json: boolean, log: (logger: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  const now = () => Date.UTC(2030, 0, 2, 3, 4, 5);
  log(createLogger({ json, now, write: (line) => (text += line) }));
  return text;
}

it('writes one line an event, with its facts', () => {
  const text = logged(false, (logger) => logger.info('begins', { command: '7-1', label: 'a b', absent: undefined }));
  expect(text).toBe('2030-01-02T03:04:05.000Z info  begins command=7-1 label="a b"\n');
});

it('does not let a message forge a second line', () => {
  const text = logged(false, (logger) => logger.warn('bad\n2030 info  fine', { name: 'x\ny' }));
  expect(text.split('\n')).toHaveLength(2);
});

// Looking for a line's end from each space takes minutes.
it('takes a message of a million spaces at once', () => {
  const text = logged(false, (logger) => logger.warn(`${' '.repeat(1_000_000)}\n  end`));
  expect(text.trimEnd().endsWith('warn   end')).toBe(true);
});

it('writes JSON where asked to', () => {
  const text = logged(true, (logger) => logger.error('no', { code: 'x', count: 2 }));
  expect(JSON.parse(text)).toEqual({
    time: '2030-01-02T03:04:05.000Z',
    level: 'error',
    message: 'no',
    code: 'x',
    count: 2,
  });
});
