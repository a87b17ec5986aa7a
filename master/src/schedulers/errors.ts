/** Why a scheduler did not do what it was asked to. */
export type SchedulerErrorCode =
  /** No scheduler of the site has this name. */
  | 'no_scheduler'
  /** It is of a kind that is not started this way. */
  | 'wrong_kind'
  /** Somebody has switched it off. */
  | 'scheduler_disabled'
  /** A property's reference could not be evaluated. */
  | 'bad_properties';

/** A scheduler refused. Nothing was started. */
export class SchedulerError extends Error {
  readonly code: SchedulerErrorCode;
  constructor(code: SchedulerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SchedulerError';
    this.code = code;
  }
}

/** The values of a force form were refused. Nothing was started. */
export class FormError extends Error {
  readonly code = 'bad_form';
  /** What is wrong, by field path: `name`, `group.name`, `codebase.branch`. */
  readonly fields: Readonly<Record<string, string>>;
  constructor(fields: Readonly<Record<string, string>>) {
    const list = Object.entries(fields).map(([path, why]) => `${path} ${why}`);
    super(`the form has ${list.length} mistake(s): ${list.join('; ')}`);
    this.name = 'FormError';
    this.fields = fields;
  }
}
