import { expect, it } from 'vitest';
import { Capture } from './capture.ts';

it('keeps the beginning, up to the limit', () => {
  const capture = new Capture(5);
  capture.add(Buffer.from('abc'));
  capture.add(Buffer.from('defg'));
  capture.add(Buffer.from('h'));
  expect(capture.text()).toBe('abcde');
});

it('leaves out a character that the limit cut in two', () => {
  const capture = new Capture(4);
  capture.add(Buffer.from('abcé'));
  expect(capture.text()).toBe('abc');
});

it('copies: the buffer it was given is used again', () => {
  const capture = new Capture(10);
  const buffer = Buffer.from('first');
  capture.add(buffer);
  buffer.fill('x');
  expect(capture.text()).toBe('first');
});
