import { plainText } from '@icefall/shared/terminal';
import { expect, test } from 'vitest';
import { parseAnsi } from './ansi.ts';

const ESC = '\u001b';

test('text without sequences is one piece', () => {
  expect(parseAnsi('make: done')).toEqual([{ text: 'make: done', classes: [] }]);
  expect(parseAnsi('')).toEqual([]);
});

test('colours and styles begin and end where the sequences say', () => {
  expect(parseAnsi(`a${ESC}[1;31mred${ESC}[22m thin${ESC}[0m plain`)).toEqual([
    { text: 'a', classes: [] },
    { text: 'red', classes: ['b', 'fg-1'] },
    { text: ' thin', classes: ['fg-1'] },
    { text: ' plain', classes: [] },
  ]);
});

test('bright colours are the second eight', () => {
  expect(parseAnsi(`${ESC}[92;103mx`)).toEqual([{ text: 'x', classes: ['fg-10', 'bg-11'] }]);
});

test('256 and true colours become colours of the style', () => {
  expect(parseAnsi(`${ESC}[38;5;208ma${ESC}[38;5;244mb${ESC}[48;2;1;2;300mc`)).toEqual([
    { text: 'a', classes: [], color: 'rgb(255 135 0)' },
    { text: 'b', classes: [], color: 'rgb(128 128 128)' },
    { text: 'c', classes: [], color: 'rgb(128 128 128)', background: 'rgb(1 2 255)' },
  ]);
  expect(parseAnsi(`${ESC}[38;5;9ma`)).toEqual([{ text: 'a', classes: ['fg-9'] }]);
});

test('what a carriage return overwrote is gone', () => {
  expect(plainText(' 10 %\r 50 %\r100 %')).toBe('100 %');
  expect(plainText('windows line\r')).toBe('windows line');
});

// Whoever looks for the line's end from each of its returns is busy for an hour.
test('a line of a million carriage returns is read at once', () => {
  expect(plainText(`${'\r'.repeat(1_000_000)}x`)).toBe('x');
  expect(plainText(`x${'\r'.repeat(1_000_000)}`)).toBe('x');
  expect(plainText('\r\r')).toBe('');
});

test('links lead to the web only', () => {
  const link = (url: string) => parseAnsi(`${ESC}]8;;${url}${ESC}\\text${ESC}]8;;${ESC}\\ after`);
  expect(link('https://example.org')).toEqual([
    { text: 'text', classes: [], href: 'https://example.org' },
    { text: ' after', classes: [] },
  ]);
  expect(link('javascript:alert(1)')[0]).toEqual({ text: 'text', classes: [] });
});

test('every other control sequence is taken out', () => {
  expect(plainText(`${ESC}[2K${ESC}[1Ga${ESC}]0;title\u0007b${ESC}(c\u0000d\te`)).not.toContain(ESC);
  expect(plainText(`a${ESC}[?25lb${ESC}[10;20Hc`)).toBe('abc');
});

test('broken sequences hurt nobody', () => {
  expect(
    parseAnsi(`${ESC}[38;5mx${ESC}[999my${ESC}[`)
      .map((piece) => piece.text)
      .join(''),
  ).toBe('xy[');
});
