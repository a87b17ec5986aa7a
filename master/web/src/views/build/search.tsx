import type { Build, LogSearchPiece } from '@icefall/shared';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { searchLogs } from '../../api/stream.ts';
import { expressionOf, matcherOf } from '../../log/search.ts';
import { paths } from '../../routes.ts';

/** Finds that are shown; a log's own page has all of its own. */
const MOST_SHOWN = 200;
/** Rests this long in typing before it searches: each search reads the logs. */
const REST_MS = 250;
/** A log of one endless line is not to fill the page with it, characters. */
const LONGEST_TEXT = 400;

interface Find {
  readonly logId: number;
  readonly line: number;
  readonly text: string;
}

interface Finds {
  readonly list: readonly Find[];
  readonly state: 'none' | 'broken' | 'running' | 'done' | 'full' | 'failed';
  readonly why: string;
}
const NONE: Finds = { list: [], state: 'none', why: '' };

/** Searches all logs of a build. */
export function BuildSearch({ build }: { build: Build }): JSX.Element {
  const [text, setText] = useState('');
  const finds = useFinds(build.id, text);
  return (
    <section class="build-search">
      <search class="log-search">
        <input
          id="filter"
          type="search"
          placeholder="Search all logs, or /expression/"
          aria-label="Search in all logs of this build"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <span class="dim num" role="status" data-search={finds.state} data-hits={finds.list.length}>
          {wordsOf(finds)}
        </span>
      </search>
      {finds.list.length > 0 && <List build={build} finds={finds.list} />}
    </section>
  );
}

function wordsOf({ list, state, why }: Finds): string {
  switch (state) {
    case 'none':
      return '';
    case 'broken':
      return 'not an expression';
    case 'running':
      return `${list.length} …`;
    case 'failed':
      return why;
    case 'done':
      return list.length === 0 ? 'none' : String(list.length);
    case 'full':
      return `the first ${list.length}`;
  }
}

function useFinds(buildId: number, text: string): Finds {
  const [finds, setFinds] = useState(NONE);
  useEffect(() => {
    if (text === '' || matcherOf(text) === null) {
      setFinds(text === '' ? NONE : { ...NONE, state: 'broken' });
      return;
    }
    setFinds({ ...NONE, state: 'running' });
    let giveUp = () => {};
    const rest = setTimeout(() => {
      const expression = expressionOf(text);
      const query = { q: expression ?? text, regex: expression === null ? 0 : 1, limit: MOST_SHOWN, text: 1 } as const;
      const take = (piece: LogSearchPiece, state: Finds['state']) =>
        setFinds((was) => ({ list: [...was.list, ...findsOf(piece)], state, why: '' }));
      giveUp = searchLogs({ build: buildId }, query, {
        found: (piece) => take(piece, 'running'),
        ended: (piece) => take(piece, piece.isFull ? 'full' : 'done'),
        failed: (why) => setFinds((was) => ({ ...was, state: 'failed', why })),
      });
    }, REST_MS);
    return () => {
      clearTimeout(rest);
      giveUp();
    };
  }, [buildId, text]);
  return finds;
}

function findsOf({ logId, hits, texts = [] }: LogSearchPiece): Find[] {
  return hits.map((line, i) => ({ logId, line, text: (texts[i] ?? '').slice(0, LONGEST_TEXT) }));
}

/** The finds below the steps and logs that they are in. */
function List({ build, finds }: { build: Build; finds: readonly Find[] }): JSX.Element {
  const logs = build.steps.flatMap((step) => step.logs.map((log) => ({ step, log })));
  return (
    <ul class="plain finds" aria-label="Found">
      {logs.map(({ step, log }) => {
        const own = finds.filter((find) => find.logId === log.id);
        if (own.length === 0) return null;
        return (
          <li key={log.id} data-log-id={log.id}>
            <a href={paths.log(log.id)}>
              {step.name}
              {step.logs.length > 1 && ` · ${log.name}`}
            </a>{' '}
            <span class="dim num">{own.length}</span>
            <pre class="tail">
              {own.map((find) => (
                <a key={find.line} href={`${paths.log(log.id)}#L${find.line + 1}`} data-line={find.line + 1}>
                  <span class="dim num">{find.line + 1}</span> {find.text || ' '}
                </a>
              ))}
            </pre>
          </li>
        );
      })}
    </ul>
  );
}
