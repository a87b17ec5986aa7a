import type { Log, LogLine } from '@icefall/shared';
import { plainText } from '@icefall/shared/terminal';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { followLog } from '../../api/stream.ts';
import { paths } from '../../routes.ts';
import { messageOf } from '../../ui/resource.ts';

/** Lines of a log's end that a build's page shows. */
export const TAIL_LINES = 10;

/** The end of a log; it moves on while the step runs. */
export function Tail({ log, live }: { log: Log; live: boolean }): JSX.Element | null {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [failure, setFailure] = useState('');
  useEffect(() => {
    let wanted = true;
    let close = () => {};
    const add = (more: readonly LogLine[]) => wanted && setLines((was) => [...was, ...more].slice(-TAIL_LINES));
    const begin = async () => {
      const { lines: total } = await api.log(log.id);
      const first = Math.max(0, total - TAIL_LINES);
      if (!wanted) return;
      setLines([]);
      if (live)
        close = followLog(log.id, first, { lines: (piece) => add(piece.lines), ended: () => {}, broken: () => {} });
      else add((await api.logLines(log.id, first, TAIL_LINES)).lines);
    };
    begin().catch((cause: unknown) => wanted && setFailure(messageOf(cause)));
    return () => {
      wanted = false;
      close();
    };
  }, [log.id, live]);
  if (failure !== '') return <p class="bad">{failure}</p>;
  if (lines.length === 0) return null;
  return (
    <pre class="tail" data-log-tail={log.id}>
      <Excerpt log={log} lines={lines} />
    </pre>
  );
}

/** Lines of a log, each a link to its place. */
export function Excerpt(props: { log: Log; lines: readonly LogLine[]; marked?: number }): JSX.Element {
  return (
    <>
      {props.lines.map((line) => (
        <a
          key={line.n}
          class={line.n === props.marked ? `${line.stream} marked` : line.stream}
          href={`${paths.log(props.log.id)}#L${line.n + 1}`}
        >
          {plainText(line.text) || ' '}
        </a>
      ))}
    </>
  );
}
