import type { Log, LogLine } from '@icefall/shared';

const ESC = '\u001b[';
/** First line of a log's command, the environment left out as ours do. */
const HEAD = [
  'builders/build.sh --src software --dest /cvmfs/software --variant py3-v4.4.3_metaproject',
  ' in /srv/worker/build',
  ' using PTY: no',
];

/** Line `n` of a log: the same one whenever it is asked for. */
export function logLine(log: Log, n: number, startedAt: number): LogLine {
  const at = startedAt + n * 85;
  const head = HEAD[n];
  if (head !== undefined) return { n, stream: 'header', at, text: head };
  if (log.complete && n === log.lines - 1)
    return { n, stream: 'header', at, text: 'program finished with exit code 0' };
  return { n, stream: n % 37 === 0 ? 'stderr' : 'stdout', at, text: textOf(n) };
}

function textOf(n: number): string {
  if (n % 37 === 0) return `${ESC}1;35mwarning:${ESC}0m unused variable ${ESC}1m'i${n}'${ESC}0m [-Wunused-variable]`;
  if (n % 53 === 0) return `${ESC}31merror:${ESC}0m retrying the download of part ${n} after a timeout`;
  if (n % 29 === 0)
    return `[${ESC}32m${String(n % 100).padStart(3)} %${ESC}0m] Linking CXX shared library lib/libpart${n}.so`;
  if (n % 61 === 0)
    return `cc -O2 -g -fPIC ${Array.from({ length: 30 }, (_, i) => `-I/cvmfs/software/include/part${i}`).join(' ')} -c part${n}.c`;
  if (n % 97 === 0)
    return `${ESC}38;5;208m256 colours${ESC}0m and ${ESC}38;2;80;160;240mtrue colour${ESC}0m, ${ESC}4munderlined${ESC}24m, <script>alert(${n})</script>`;
  return `[${String(n % 100).padStart(3)} %] Building CXX object src/module_${n % 41}/CMakeFiles/part.dir/file_${n}.cxx.o`;
}
