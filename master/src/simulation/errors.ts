/** The simulation was told something that the site does not have, or that cannot be. */
export class SimulationError extends Error {
  readonly code = 'simulation';
  constructor(message: string) {
    super(message);
    this.name = 'SimulationError';
  }
}
