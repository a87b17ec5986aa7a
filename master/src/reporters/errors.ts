/** Codes of {@link ReportError}, with the status of an answer over HTTP. */
export const REPORT_STATUSES = { no_report: 404, report_waits: 409, no_reporter: 409 } as const;

/** A report that cannot be told again. */
export class ReportError extends Error {
  readonly code: keyof typeof REPORT_STATUSES;
  constructor(code: keyof typeof REPORT_STATUSES, message: string) {
    super(message);
    this.name = 'ReportError';
    this.code = code;
  }
}
