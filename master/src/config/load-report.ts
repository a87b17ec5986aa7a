import { writeSync } from 'node:fs';
import type { Problem } from './problems.ts';

/** Where a load tells what keeps it from coming to its end: a file descriptor, as text for people or JSON for a program. */
export interface LoadReport {
  readonly fd: number;
  readonly form: 'text' | 'json';
}

/** Written at once: the process may be about to end. */
export function tellProblem({ fd, form }: LoadReport, problem: Problem): void {
  const { place, message } = problem;
  const where = place === null ? '' : `${place.file}:${place.line}: `;
  writeSync(fd, form === 'json' ? JSON.stringify({ problems: [problem] }) : `icefall: ${where}${message}\n`);
}
