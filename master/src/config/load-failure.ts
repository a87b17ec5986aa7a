import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Generation, withoutGeneration } from './generations.ts';
import type { Place, Problem } from './problems.ts';

/** What made an import fail, as a problem with its place: a syntax error, a missing file, or whatever was thrown. */
export function problemOfFailure(error: unknown, generation: Generation): Problem {
  if (!(error instanceof Error)) return { place: null, message: `the site's program threw ${String(error)}` };
  const message = withoutGeneration(error.message);
  if (generation.unresolved !== null && isMissing(error)) return missing(generation.unresolved);
  const place = placeOf(error, generation);
  if (error instanceof SyntaxError) return { place, message: `syntax error: ${withoutPlace(message)}` };
  return { place, message: error.name === 'Error' ? message : `${error.name}: ${message}` };
}

/**
 * Whether the site's own code failed by itself, in a timer or a promise that nobody waits for: none of the master's was at
 * work then, so nothing of it is in doubt. A stack that may be cut off does not tell.
 */
export function isOfSiteAlone(error: unknown): boolean {
  const frames = (error instanceof Error ? (error.stack ?? '') : '').split('\n').filter((line) => /^\s+at /.test(line));
  const isOurs = (frame: string) => frame.includes(OURS) && !frame.includes(`${OURS}config/`);
  return frames.length < Error.stackTraceLimit && frames.some((frame) => IN_SITE.test(frame)) && !frames.some(isOurs);
}

const OURS = new URL('../', import.meta.url).href;
const IN_SITE = /[?&]generation=/;

function isMissing(error: Error): boolean {
  const code = Reflect.get(error, 'code');
  return (
    typeof code === 'string' && /^ERR_(MODULE_NOT_FOUND|PACKAGE_PATH_NOT_EXPORTED|UNSUPPORTED_DIR_IMPORT)/.test(code)
  );
}

/** Node names the file that imports, not the line. */
function missing({ specifier, importer }: { specifier: string; importer: string }): Problem {
  const what = /^\.{0,2}\//.test(specifier) ? 'file' : 'package';
  const hint = what === 'file' && !/\.\w+$/.test(specifier) ? '; an import names the file with its ending, .ts' : '';
  return {
    place: { file: importer, line: lineOf(importer, specifier) },
    message: `there is no ${what} "${specifier}"${hint}`,
  };
}

function lineOf(file: string, specifier: string): number {
  const lines = readFileSync(file, 'utf8').split('\n');
  const found = lines.findIndex((line) => line.includes(`'${specifier}'`) || line.includes(`"${specifier}"`));
  return found === -1 ? 1 : found + 1;
}

function placeOf(error: Error, generation: Generation): Place | null {
  const stack = error.stack ?? '';
  const ofJson = /^(\/\S+): .*\(line (\d+) column \d+\)/.exec(error.message);
  if (error instanceof SyntaxError && ofJson?.[1] !== undefined) return { file: ofJson[1], line: Number(ofJson[2]) };
  // A syntax error found while types are stripped or imports are linked heads its stack with file and line.
  const head = /^(file:\/\/\S+?):(\d+)\n/.exec(stack);
  if (head?.[1] !== undefined) return { file: fileOf(head[1]), line: Number(head[2]) };
  const frames = [...stack.matchAll(/(?:\(|at )(file:\/\/[^()\n]*?):(\d+):\d+\)?$/gm)];
  const ofSite = frames.find(([, url]) => url?.startsWith(generation.folder) && IN_SITE.test(url));
  if (ofSite?.[1] !== undefined) return { file: fileOf(ofSite[1]), line: Number(ofSite[2]) };
  return error instanceof SyntaxError && generation.lastRead !== null ? placeByCheck(generation.lastRead) : null;
}

/** An error that only the compiler finds comes without a place; the compiler of another process tells it. */
function placeByCheck(file: string): Place {
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  const line = /^\S.*?:(\d+)\n/.exec(stderr)?.[1];
  return { file, line: line === undefined ? 1 : Number(line) };
}

function fileOf(url: string): string {
  return fileURLToPath(withoutGeneration(url));
}

function withoutPlace(message: string): string {
  return message.replace(/^\/\S+: /, '');
}
