import type { FormValues } from './values.ts';

const key = (scheduler: string) => `icefall.form.${scheduler}`;

/** What was filled into a scheduler's form the last time, in this browser. */
export function remembered(scheduler: string): FormValues {
  try {
    const values: unknown = JSON.parse(localStorage.getItem(key(scheduler)) ?? '{}');
    return typeof values === 'object' && values !== null ? (values as FormValues) : {};
  } catch {
    // Storage is switched off, or holds something else: the defaults it is.
    return {};
  }
}

export function remember(scheduler: string, values: FormValues): void {
  try {
    localStorage.setItem(key(scheduler), JSON.stringify(values));
  } catch {
    // Storage is full or switched off; nothing is lost but a convenience.
  }
}
