import { describe, expect, test } from 'vitest';
import { wantedImage } from './images.ts';

const CHOICE = {
  property: 'image',
  usual: 'r.example/base:1',
  allowed: ['r.example/ci/*:1', 'r.example/gcc@sha256:*'],
};
const of = (value: string | number) => wantedImage(CHOICE, { image: value });

describe('the image of a build', () => {
  test('is the usual one where no property has a say', () => {
    const fixed = { property: null, usual: 'r.example/base:1', allowed: [] };
    expect(wantedImage(fixed, { image: 'r.example/ci/gcc:1' })).toEqual({ image: 'r.example/base:1' });
    expect(wantedImage(CHOICE, { other: 'x' })).toEqual({ image: 'r.example/base:1' });
  });

  test('is what the property says where that is allowed; the request has the last word', () => {
    expect(of('r.example/ci/gcc:1')).toEqual({ image: 'r.example/ci/gcc:1' });
    expect(wantedImage(CHOICE, { image: 'r.example/ci/a:1' }, { image: 'r.example/ci/b:1' })).toEqual({
      image: 'r.example/ci/b:1',
    });
  });

  test.each([
    'r.example/ci/gcc:2',
    'r.example/ci/deep/gcc:1',
    'r.example/ci/gcc:1:1',
    'rxexample/ci/gcc:1',
    'evil.example/r.example/ci/gcc:1',
    'r.example/ci/gcc:1\n',
    7,
  ])('is refused where it is %j: a star is no way to another repository or tag', (value) => {
    expect(of(value)).toEqual({ refusal: expect.stringContaining(JSON.stringify(value)) });
  });
});
