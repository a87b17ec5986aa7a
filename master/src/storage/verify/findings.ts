/** Something that is not as the master leaves it. */
export interface Finding {
  /** damage: something is lost or contradicts itself; leftover: harmless, as a crash may leave it. */
  readonly severity: 'damage' | 'leftover';
  /** A file below the state's directory, or a row: `builds 17`. */
  readonly place: string;
  readonly message: string;
  readonly remedy: string;
}

export const REMEDY = {
  restore: 'put the newest backup back with icefall restore; what came after it is lost',
  log: 'only this log is affected; if a backup has the file, copy it from there to this place',
  remove: 'it may be removed while the master is stopped',
  report: 'start the master once, it may mend it; if it stays, report it with this line',
  none: 'nothing is to be done',
} as const;
