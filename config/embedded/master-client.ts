import { type Snapshot, snapshotSchema } from '@icefall/shared';

/** Time between two looks while something is awaited. */
const LOOK_MS = 500;
/** A master that has just been started opens its database first; a slow disk may need this long. */
const START_MS = 60_000;

/** A snapshot of the last hour, or null while the master does not answer. */
export async function fetchSnapshot(url: string): Promise<Snapshot | null> {
  let response: Response;
  try {
    response = await fetch(`${url}/api/v1/snapshot?hours=1`);
  } catch {
    return null;
  }
  if (!response.ok)
    throw new Error(`${url}/api/v1/snapshot is answered with ${response.status}: ${await response.text()}`);
  return snapshotSchema.parse(await response.json());
}

/** Looks again and again until `choose` gives a value, and returns it. Throws when the signal is aborted. */
export async function watchMaster<T>(
  url: string,
  choose: (snapshot: Snapshot) => T | null,
  signal: AbortSignal,
  lookMs = LOOK_MS,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const snapshot = await fetchSnapshot(url);
    const chosen = snapshot === null ? null : choose(snapshot);
    if (chosen !== null) return chosen;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** Resolves when all workers are connected. Throws an error that says who is missing after a minute. */
export async function waitForWorkers(url: string, names: readonly string[], signal: AbortSignal): Promise<void> {
  const until = Date.now() + START_MS;
  await watchMaster(
    url,
    ({ workers }) => {
      const missing = names.filter((name) => !workers.some((worker) => worker.name === name && worker.connected));
      if (missing.length === 0) return true;
      if (Date.now() < until) return null;
      const why = workers.flatMap((worker) =>
        worker.lastRefusal === null ? [] : [`${worker.name}: ${worker.lastRefusal}`],
      );
      throw new Error(`these workers did not connect within a minute: ${missing.join(', ')}. ${why.join('; ')}`);
    },
    signal,
  );
}
