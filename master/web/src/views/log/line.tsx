import type { LogLine } from '@icefall/shared';
import { formatDuration } from '@icefall/shared/text';
import type { JSX } from 'preact';
import { type Piece, parseAnsi } from '../../log/ansi.ts';
import type { Group } from '../../log/groups.ts';
import { hashOfLines, linesOfHash } from '../../log/position.ts';
import { hash, setHash } from '../../navigation.ts';
import { fullTime, lineTime } from '../../ui/times.ts';
import type { Folding } from './folding.ts';
import { settings } from './settings.ts';

export interface LineProps {
  readonly n: number;
  /** Not yet at hand: the line is empty. */
  readonly line: LogLine | undefined;
  /** The line that times are told from. */
  readonly before: LogLine | undefined;
  readonly folding: Folding;
  readonly marked: boolean;
  readonly matcher: RegExp | null;
  /** The hit that was gone to. */
  readonly current: boolean;
}

/** One line: its number (a permalink), its time where wanted, its text in its colours. */
export function Line({ n, line, before, folding, marked, matcher, current }: LineProps): JSX.Element {
  const group = folding.groupAt(n);
  const classes = ['line', line?.stream ?? 'missing', marked ? 'marked' : '', current ? 'current' : ''];
  return (
    <div class={classes.join(' ')} data-line={n + 1} data-stream={line?.stream}>
      {/* biome-ignore lint/a11y/useAnchorContent: its content is of the style, so that it is not copied; the label says it. */}
      <a
        class="line-number"
        href={`#L${n + 1}`}
        data-number={n + 1}
        aria-label={`Line ${n + 1}`}
        onClick={(event) => mark(event, n)}
      />
      {settings.times.value !== 'off' && (
        <time
          class="line-time"
          title={line === undefined ? '' : fullTime(line.at)}
          data-time={line === undefined ? '' : timeOf(line, before)}
        />
      )}
      <span class="line-text">
        {group !== undefined && <Fold group={group} folding={folding} />}
        {line === undefined || group !== undefined
          ? ''
          : parseAnsi(line.text).map((piece, i) => <Text key={i} piece={piece} matcher={matcher} />)}
      </span>
    </div>
  );
}

/** The head of a group: its title, in place of the mark that it was printed with. */
function Fold({ group, folding }: { group: Group; folding: Folding }): JSX.Element {
  const folded = folding.isFolded(group);
  return (
    <button
      type="button"
      class="fold-button"
      aria-expanded={!folded}
      data-group={group.title}
      onClick={() => folding.toggle(group)}
    >
      <span aria-hidden="true">{folded ? '▸' : '▾'}</span> {group.title}
      {folded && <span class="dim"> {group.last - group.first} lines</span>}
    </button>
  );
}

function timeOf(line: LogLine, before: LogLine | undefined): string {
  if (settings.times.value === 'clock') return lineTime(line.at);
  return before === undefined ? '' : `+${formatDuration(Math.max(0, line.at - before.at))}`;
}

function mark(event: MouseEvent, n: number): void {
  event.preventDefault();
  const was = linesOfHash(hash.peek());
  setHash(event.shiftKey && was !== null ? hashOfLines(was.first, n) : hashOfLines(n, n));
}

function Text({ piece, matcher }: { piece: Piece; matcher: RegExp | null }): JSX.Element {
  const content = matcher === null ? piece.text : highlighted(piece.text, matcher);
  const style = {
    ...(piece.color === undefined ? {} : { color: piece.color }),
    ...(piece.background === undefined ? {} : { backgroundColor: piece.background }),
  };
  if (piece.href !== undefined)
    return (
      <a class={piece.classes.join(' ')} href={piece.href} target="_blank" rel="noreferrer" style={style}>
        {content}
      </a>
    );
  return (
    <span class={piece.classes.join(' ')} style={style}>
      {content}
    </span>
  );
}

function highlighted(text: string, matcher: RegExp): (string | JSX.Element)[] {
  const parts: (string | JSX.Element)[] = [];
  let end = 0;
  for (const match of text.matchAll(new RegExp(matcher.source, `${matcher.flags}g`))) {
    if (match[0] === '') continue;
    parts.push(text.slice(end, match.index), <mark key={match.index}>{match[0]}</mark>);
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}
