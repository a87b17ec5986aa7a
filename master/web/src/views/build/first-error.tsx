import type { Log, LogLine } from '@icefall/shared';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { searchLogs } from '../../api/stream.ts';
import { ERRORS } from '../../log/search.ts';
import { Excerpt, TAIL_LINES } from './tail.tsx';

/** Lines around an error that tell what it is about. */
const BEFORE = 2;
const AFTER = 5;
/** Lines that are looked at for whether they are a command's own. */
const MOST_TRIED = 10;

/**
 * The first line of a failed step's log that speaks of an error, with those around it: what comes last is often only its
 * echo. Nothing where there is none, or where the log's end shows it anyway.
 */
export function FirstError({ log }: { log: Log }): JSX.Element | null {
  const [found, setFound] = useState<{ readonly line: number; readonly lines: readonly LogLine[] } | null>(null);
  useEffect(() => {
    let isWanted = true;
    const hits: number[] = [];
    const show = async () => {
      const { lines: total } = await api.log(log.id);
      for (const hit of hits.filter((line) => line < total - TAIL_LINES)) {
        const first = Math.max(0, hit - BEFORE);
        const { lines } = await api.logLines(log.id, first, Math.min(total - TAIL_LINES, hit + AFTER + 1) - first);
        // What the worker says of a command is no error of its.
        if (lines.find(({ n }) => n === hit)?.stream === 'header') continue;
        if (isWanted) setFound({ line: hit, lines });
        return;
      }
    };
    const query = { q: ERRORS.source, regex: 1, limit: MOST_TRIED } as const;
    const giveUp = searchLogs({ log: log.id }, query, {
      found: (piece) => hits.push(...piece.hits),
      // Without it the end of the log still tells.
      ended: () => void show().catch(() => {}),
      failed: () => {},
    });
    return () => {
      isWanted = false;
      giveUp();
    };
  }, [log.id]);
  if (found === null) return null;
  return (
    <figure class="first-error">
      <figcaption class="dim">The first error, line {(found.line + 1).toLocaleString('en')}</figcaption>
      <pre class="tail" data-first-error={found.line + 1}>
        <Excerpt log={log} lines={found.lines} marked={found.line} />
      </pre>
    </figure>
  );
}
