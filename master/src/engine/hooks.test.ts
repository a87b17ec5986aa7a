import { expect, test } from 'vitest';
import { Hook } from './hooks.ts';

test('who stops listening, even while it is told, hears no more, and all others hear everything', () => {
  const hook = new Hook<number>();
  const heard: string[] = [];
  const stop = hook.on((value) => {
    heard.push(`first ${value}`);
    stop();
  });
  hook.on((value) => heard.push(`second ${value}`));
  hook.fire(1);
  hook.fire(2);
  expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
});
