import { storageFault } from '../storage/faults.ts';

/**
 * Notes something that is good to know but no reason to refuse a request: on a disk that is full people still have to
 * see what is wrong. The storage's own alarm tells of it.
 */
export function noted(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (storageFault(error) === null) throw error;
  }
}
