import { describe, expect, test } from 'vitest';
import { SseParser } from './sse.ts';

const text = ': open\r\n\r\nid: 4\nevent: build\ndata: {"a":\ndata: 1}\n\nevent: end\ndata\n\ndata:x\r\rdata: cut';

describe('an event stream', () => {
  test('gives the same events however it is cut into pieces', () => {
    const whole = new SseParser().push(text);
    expect(whole).toEqual([
      { id: '4', event: 'build', data: '{"a":\n1}' },
      { id: '4', event: 'end', data: '' },
      { id: '4', event: 'message', data: 'x' },
    ]);
    for (let at = 1; at < text.length; at += 1) {
      const parser = new SseParser();
      expect([...parser.push(text.slice(0, at)), ...parser.push(text.slice(at))]).toEqual(whole);
    }
    const parser = new SseParser();
    expect([...text].flatMap((character) => parser.push(character))).toEqual(whole);
  });

  test('gives an event only once its blank line has come', () => {
    const parser = new SseParser();
    expect(parser.push('data: 1\n')).toEqual([]);
    expect(parser.push('\n')).toEqual([{ id: null, event: 'message', data: '1' }]);
  });
});
