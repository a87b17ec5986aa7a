import type { Buildset, EventKind } from '@icefall/shared';
import { Interrupted } from './client/api-client.ts';
import { type BuildsetProgress, fetchProgress, type RequestProgress } from './client/buildset-progress.ts';
import { changes } from './client/changes.ts';
import { insist } from './client/reconnect.ts';
import type { CommandContext } from './context.ts';
import { CliError, EXIT } from './exit.ts';
import { LiveLines } from './output/live-lines.ts';
import { progressLines, progressWords } from './output/progress-lines.ts';
import { isGreen } from './output/words.ts';

/** Time between two drawings while nothing changes but the clock. */
const TICK_MS = 1000;

/**
 * Follows a buildset to its end: drawn in place on a terminal, else a line for each change. Then prints what became of
 * it; throws with exit code 1 if it is not green.
 */
export async function waitForBuildset(context: CommandContext, buildsetId: number): Promise<void> {
  const view = context.wantsJson() ? null : viewOf(context);
  const { buildset, requests } = await follow(context, buildsetId, view).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
    const message = `interrupted; the builds go on (buildset ${buildsetId}). To end one: icefall stop-build BUILD`;
    throw new CliError(EXIT.interrupted, message);
  });
  view?.clear();
  context.print({ buildset }, () => endLines(context, requests));
  if (!isGreen(buildset.result)) throw new CliError(EXIT.failed, notGreen(buildset, requests));
}

interface View {
  show(progress: BuildsetProgress): void;
  clear(): void;
}

async function follow(context: CommandContext, buildsetId: number, view: View | null): Promise<BuildsetProgress> {
  const { terminal } = context;
  const client = context.client();
  const ended = new Map<number, RequestProgress>();
  let last: BuildsetProgress | null = null;
  const turns = changes(client, terminal, (kind, key) => concerns(last, buildsetId, kind, key));
  try {
    for (;;) {
      await nextTurn(turns, terminal.wait, () => {
        if (last !== null && terminal.columns !== null) view?.show(last);
      });
      last = await insist(terminal, client.limits, () => fetchProgress(client, buildsetId, ended));
      if (last.buildset.finishedAt !== null) return last;
      view?.show(last);
    }
  } finally {
    // Not awaited: it may be in the middle of waiting for the next event.
    void turns.return(undefined).catch(() => undefined);
  }
}

/** Waits for the next change, and ticks meanwhile. */
async function nextTurn(
  turns: AsyncGenerator<void>,
  wait: (ms: number) => Promise<void>,
  tick: () => void,
): Promise<void> {
  let isHere = false;
  const turn = turns.next().finally(() => {
    isHere = true;
  });
  while (!isHere) {
    await Promise.race([turn, wait(TICK_MS)]);
    if (!isHere) tick();
  }
  await turn;
}

function concerns(progress: BuildsetProgress | null, buildsetId: number, kind: EventKind, key: string): boolean {
  if (kind === 'buildset') return key === String(buildsetId);
  const requests = progress?.requests ?? [];
  if (kind === 'request') return requests.some(({ request }) => String(request.id) === key);
  const buildId = kind === 'build' ? key : kind === 'step' ? key.split('.')[0] : undefined;
  return buildId !== undefined && requests.some(({ request }) => request.buildIds.includes(Number(buildId)));
}

function viewOf({ terminal }: CommandContext): View {
  const wordsOf = ({ requests }: BuildsetProgress) => requests.map((request) => progressWords(request, terminal.now()));
  if (terminal.columns !== null) {
    const live = new LiveLines(terminal);
    return {
      show: (progress) => live.draw(progressLines(terminal, wordsOf(progress), terminal.columns)),
      clear: () => live.clear(),
    };
  }
  const told = new Map<number, string>();
  return {
    show: (progress) => {
      for (const { requestId, name, what } of wordsOf(progress)) {
        const line = `${name.trim()}: ${what}`;
        if (told.get(requestId) === line) continue;
        told.set(requestId, line);
        terminal.out(`${line}\n`);
      }
    },
    clear: () => {},
  };
}

function endLines({ terminal }: CommandContext, requests: readonly RequestProgress[]): string[] {
  return progressLines(
    terminal,
    requests.map((request) => progressWords(request, terminal.now())),
    null,
  );
}

/** Names the first log that tells why. */
function notGreen(buildset: Buildset, requests: readonly RequestProgress[]): string {
  const failed = requests.flatMap(({ build }) =>
    (build?.steps ?? [])
      .filter((step) => (step.result === 'FAILURE' || step.result === 'EXCEPTION') && step.logs.length > 0)
      .map((step) => `${build?.builder}/${build?.number}.${step.number}`),
  );
  // The deepest failure is the cause: what triggered it only reports it.
  const hint = failed.length === 0 ? '' : `; to see why: icefall log ${failed.at(-1)}`;
  return `it ended with ${buildset.result}${hint}`;
}
