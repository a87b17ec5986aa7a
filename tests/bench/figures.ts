/** What is measured, and the figures of others that it is laid beside. */

/** Measured on the same machine, in one run of each; null where nobody measured it. */
export interface Peers {
  readonly buildbot37: number | null;
  readonly buildbot43: number | null;
  readonly laminar: number | null;
  /** The stock tools of CernVM-FS, 2.12, on both cores. */
  readonly cvmfsServer: number | null;
}

/** One measured number. */
export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 's' | '/s' | 'MB/s' | 'kB' | 'MiB' | 'lines';
  readonly value: number;
  readonly better: 'lower' | 'higher';
  readonly peers: Peers;
}

const NOBODY: Peers = { buildbot37: null, buildbot43: null, laminar: null, cvmfsServer: null };

type Measured = Pick<Figure, 'name' | 'unit' | 'value'>;

/** A figure of which less is better. */
export function lower(measured: Measured, peers: Partial<Peers> = {}): Figure {
  return { ...measured, better: 'lower', peers: { ...NOBODY, ...peers } };
}

/** A figure of which more is better. */
export function higher(measured: Measured, peers: Partial<Peers> = {}): Figure {
  return { ...measured, better: 'higher', peers: { ...NOBODY, ...peers } };
}

/** What the project sets itself: so many times better than Buildbot, and no slower than the stock tools of CernVM-FS. */
export const WANTED = { buildbot: 10, cvmfsServer: 1 } as const;

/** The ratio that is wanted. */
export function wantedRatio({ peers }: Figure): number {
  return peers.cvmfsServer === null ? WANTED.buildbot : WANTED.cvmfsServer;
}

/** How many times better than the stock tools or the better one of the two Buildbots; null where nobody was measured. */
export function ratioToPeers({ value, better, peers }: Figure): number | null {
  const known = [peers.buildbot37, peers.buildbot43, peers.cvmfsServer].filter((peer) => peer !== null);
  if (known.length === 0) return null;
  return better === 'lower' ? Math.min(...known) / value : value / Math.max(...known);
}

/** Of an even number of values the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** The value below which the share `q` (0 to 1) of all lies. NaN for none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
