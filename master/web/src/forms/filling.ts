import type { FieldValue, FormValues } from './values.ts';

/** A form being filled in. */
export interface Filling {
  readonly values: FormValues;
  /** By field path. */
  readonly errors: Readonly<Record<string, string>>;
  set(path: string, value: FieldValue): void;
}

/** Of a field's control. */
export function attributes(path: string, filling: Filling) {
  const wrong = filling.errors[path] !== undefined;
  return { id: `field-${path}`, name: path, 'aria-invalid': wrong, 'aria-describedby': `help-${path}` };
}
export type ControlAttributes = ReturnType<typeof attributes>;

/** What an input shows of a value. */
export function textOf(value: FieldValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
