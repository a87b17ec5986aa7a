import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A program that keeps a record of its own beside its output, so that what the master says can be held against what was.
 * Arguments: folder, key, `talk` or `silent`, most rounds (0: until the gate opens). It ends when there is a file `gate`
 * in the folder, or after its rounds. In `KEY.runs` it notes its begin and end, and every earlier process of its key that
 * still lives beside it; in `KEY.PID.out` every byte that it prints. Half lines on purpose: frames end within them.
 */
export const WITNESSED = [
  'sh',
  '-c',
  `runs="$1/$2.runs"; out="$1/$2.$$.out"; : >"$out"
   for old in $(sed -n 's/^begin //p' "$runs" 2>/dev/null); do
     state=$(cut -d' ' -f3 "/proc/$old/stat" 2>/dev/null)
     case "$state" in ''|Z|X) ;; *) echo "beside $old" >>"$runs" ;; esac
   done
   echo "begin $$" >>"$runs"
   say() { printf "$1"; printf "$1" >>"$out"; }
   i=0
   while [ ! -e "$1/gate" ] && { [ "$4" -eq 0 ] || [ $i -lt "$4" ]; }; do
     i=$((i + 1))
     [ "$3" = talk ] && say "line $i\\nhalf of "
     sleep 0.01
     [ "$3" = talk ] && say "$i and half\\n"
   done
   say "last $i\\n"
   echo "end $$" >>"$runs"`,
  'sh',
] as const;

/**
 * A program that notes when it begins and ends as `STAMPED` of the locks' tests does, and holds what it has for so many
 * hundredths of a second, or (`gate`) until there is a file `gate`. Arguments: folder, name, worker, how long.
 */
export const HOLDING = [
  'sh',
  '-c',
  `echo "$$ $2 $3 begin $(date +%s%N)" >>"$1/stamps"
   case "$4" in
     gate) until [ -e "$1/gate" ]; do sleep 0.02; done ;;
     *) sleep "$(($4 / 100)).$(printf %02d "$(($4 % 100))")" ;;
   esac
   echo "$$ $2 $3 end $(date +%s%N)" >>"$1/stamps"`,
  'sh',
] as const;

/** What the processes of one key have noted. */
export interface Testimony {
  /** Process of each begin, in order. */
  readonly begun: readonly number[];
  readonly ended: readonly number[];
  /** Processes that lived beside their repetition. */
  readonly beside: readonly number[];
}

export function testimonyOf(folder: string, key: string): Testimony {
  const file = join(folder, `${key}.runs`);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const pids = (what: string) =>
    lines.filter((line) => line.startsWith(`${what} `)).map((line) => Number(line.slice(what.length + 1)));
  return { begun: pids('begin'), ended: pids('end'), beside: pids('beside') };
}

/** Every byte that a process has printed. */
export function printedBy(folder: string, key: string, pid: number): string {
  const file = join(folder, `${key}.${pid}.out`);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
