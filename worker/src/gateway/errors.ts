/** What a gateway, or the way to it, refuses. Exit codes are those of the command. */
export class GatewayError extends Error {
  readonly code: 'path_busy' | 'refused' | 'unreachable' | 'not_renewed' | 'usage' | 'bad_answer';
  constructor(code: GatewayError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GatewayError';
    this.code = code;
  }

  get exitCode(): number {
    if (this.code === 'usage') return 2;
    return this.code === 'path_busy' ? 75 : 1;
  }
}
