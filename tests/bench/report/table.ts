import type { CaseReport, Report } from '../bench.ts';
import { type Figure, WANTED, wantedRatio } from '../figures.ts';

const HEAD = ['', 'Icefall', 'Buildbot 3.7', 'Buildbot 4.3', 'cvmfs_server', 'ratio', 'Laminar'];

/** The report for people. */
export function tableOf(report: Report): string {
  const { conditions: c } = report;
  const machine = `${c.cores} cores (${c.processor}), ${c.memoryGib.toFixed(0)} GiB, ${c.system}, Node ${c.node}`;
  const disk = `a durable append takes ${c.syncMs.toFixed(2)} ms; load before: ${c.loadBefore.toFixed(2)}`;
  const how = `${report.quick ? 'quick: smaller numbers, not to be compared; ' : ''}median of ${report.repeat} run(s) of each`;
  const note = `ratio: to the better of the two Buildbots, or to cvmfs_server 2.12; ! marks one below ${WANTED.buildbot}, or ${WANTED.cvmfsServer}`;
  const rows = report.cases.flatMap(rowsOf);
  return [machine, disk, how, '', ...aligned([HEAD, ...rows]), '', note, ''].join('\n');
}

type Row = readonly string[];

function rowsOf({ name, title, conditions, figures, othersCores, error }: CaseReport): Row[] {
  const head = [`${name}: ${title}`];
  if (error !== null) return [[''], head, [`  FAILED: ${error}`]];
  const others = `other programs kept ${othersCores.toFixed(1)} cores busy`;
  return [[''], head, [`  (${conditions}; ${others})`], ...figures.map(rowOf)];
}

function rowOf(figure: CaseReport['figures'][number]): Row {
  const { name, unit, value, ratio, peers } = figure;
  const shown = (peer: number | null) => (peer === null ? '' : number(peer));
  return [
    `  ${name}, ${unit}`,
    number(value),
    ...[shown(peers.buildbot37), shown(peers.buildbot43), shown(peers.cvmfsServer)],
    ratio === null ? '' : `${number(ratio)}×${ratio < wantedRatio(figure) ? ' !' : ''}`,
    shown(peers.laminar),
  ];
}

/** Three digits that count. */
function number(value: Figure['value']): string {
  if (!Number.isFinite(value)) return '?';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** Text stands left and numbers right; a row of one cell may be as long as it likes. */
function aligned(rows: readonly Row[]): string[] {
  const widths = HEAD.map((_, i) =>
    Math.max(...rows.filter((row) => row.length > 1).map((row) => (row[i] ?? '').length)),
  );
  return rows.map((row) => {
    if (row.length === 1) return row[0] ?? '';
    return row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  });
}
