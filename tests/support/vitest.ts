import { afterAll, onTestFinished } from 'vitest';
import { TestGround } from './ground.ts';

/** A ground for the test that runs now; ended with it, also when it fails or takes too long. */
export function groundOfTest(): TestGround {
  const ground = new TestGround();
  onTestFinished(() => ground.end());
  return ground;
}

/** A ground for all tests of the file or `describe` that it is called in. */
export function groundOfFile(): TestGround {
  const ground = new TestGround();
  afterAll(() => ground.end());
  return ground;
}
