import { expect, test } from 'vitest';
import { MOST_FOR_NAME, SignInLimits } from './sign-in-limits.ts';

test('whoever guesses with ever new addresses of one network of IPv6 is held off like one address', () => {
  const limits = new SignInLimits();
  for (let i = 0; i < MOST_FOR_NAME; i += 1) limits.failed('ada', `2001:db8::${i}`, 0);
  expect(() => limits.check('ada', '2001:db8::ffff', 0)).toThrow(
    expect.objectContaining({ code: 'too_many_attempts' }),
  );
  expect(() => limits.check('ada', '2001:db8:0:1::1', 0)).not.toThrow();
});
