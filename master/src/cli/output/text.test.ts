import { describe, expect, test } from 'vitest';
import { cut, printable, printableLog, widthOf } from './text.ts';

describe('text from outside', () => {
  test('cannot move the cursor, retitle the window, break the line or turn it round', () => {
    expect(printable('a\u001b[2Jb\u001b]0;title\u0007c\r\nd\u202ee\u009bf')).toBe('a␛[2Jb␛]0;title␇c  d\ufffde\ufffdf');
  });

  test('keeps its colours in a log on a terminal, and nothing else that a terminal obeys', () => {
    const line = 'a\t\u001b[1;31mred\u001b[0m \u001b[2Jx\u001b]8;;http://x\u0007';
    expect(printableLog(line, true)).toBe('a\t\u001b[1;31mred\u001b[0m ␛[2Jx␛]8;;http://x␇\u001b[0m');
    expect(printableLog(line, false)).toBe('a\tred ␛[2Jx␛]8;;http://x␇');
    expect(printableLog('plain', true)).toBe('plain');
  });
});

describe('cutting', () => {
  test('marks what it leaves out, and leaves alone what fits', () => {
    expect(cut('abcdef', 6)).toBe('abcdef');
    expect(cut('abcdef', 5)).toBe('abcd…');
    expect(cut('ab cdef', 4)).toBe('ab…');
  });

  test('counts wide characters twice, joined ones once, and splits neither', () => {
    expect(widthOf('日本')).toBe(4);
    expect(widthOf('e\u0301')).toBe(1);
    expect(widthOf('\u001b[31mred\u001b[0m')).toBe(3);
    expect(cut('日本語', 4)).toBe('日…');
    expect(cut('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  });
});
