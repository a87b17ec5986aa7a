import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Problem } from './problems.ts';

/** Output of the compiler that is read; a program with more mistakes has its first ones told. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const OUR_PACKAGES = resolve(import.meta.dirname, '../../..');
const DIAGNOSTIC = /^(?<file>.+)\((?<line>\d+),\d+\): error (?<code>TS\d+): (?<message>.*)$/;

/**
 * The mistakes in the types of a site's program, of all files that it imports, by the TypeScript compiler. The runtime
 * strips types without looking at them, so what loads may still be wrong.
 *
 * Null where there is no compiler (it is left out of small images) and for a program in plain JavaScript. A parameter
 * without a type is let through: a configuration is to be right, not to be in one style. Rejects where the compiler
 * cannot be run or says something that is not understood.
 */
export async function typeErrors(file: string): Promise<readonly Problem[] | null> {
  const compiler = compilerPath();
  if (compiler === null || !/\.[cm]?ts$/.test(file)) return null;
  const folder = mkdtempSync(join(tmpdir(), 'icefall-types-'));
  try {
    const project = join(folder, 'tsconfig.json');
    writeFileSync(project, JSON.stringify(projectOf(file)));
    return problemsOf(folder, await run(compiler, ['-p', project, '--pretty', 'false'], folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compilerPath(): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    return null;
  }
}

function projectOf(file: string) {
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    // As it is loaded: a module, also where no package.json above it says so.
    module: 'esnext',
    moduleResolution: 'bundler',
    moduleDetection: 'force',
    resolveJsonModule: true,
    allowImportingTsExtensions: true,
    strict: true,
    noImplicitAny: false,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(OUR_PACKAGES, 'master', 'node_modules', '@types')],
    // A site may lie anywhere; our packages are those of this program, as when it is loaded.
    paths: {
      '@icefall/master/config': [join(OUR_PACKAGES, 'master/src/config/index.ts')],
      '@icefall/master/simulation': [join(OUR_PACKAGES, 'master/src/simulation/index.ts')],
      '@icefall/master/*': [join(OUR_PACKAGES, 'master/src/*.ts')],
      '@icefall/shared': [join(OUR_PACKAGES, 'shared/src/index.ts')],
    },
  };
  return { compilerOptions, files: [file] };
}

function run(compiler: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((done, reject) => {
    execFile(process.execPath, [compiler, ...args], { cwd, maxBuffer: MAX_OUTPUT_BYTES }, (error, out, err) => {
      // Exit codes 1 and 2 are those of a program with mistakes, which are told on stdout.
      if (error === null || (typeof error.code === 'number' && error.code <= 2 && err === '')) done(out);
      else reject(new Error(`the types could not be checked: ${err.trim() || error.message}`));
    });
  });
}

/** A mistake begins a line, what explains it is indented below it. */
function problemsOf(cwd: string, output: string): Problem[] {
  const problems: { place: { file: string; line: number }; message: string }[] = [];
  let isLastTold = true;
  for (const line of output.split('\n').filter((text) => text !== '')) {
    const last = problems.at(-1);
    if (/^\s/.test(line)) {
      if (isLastTold && last !== undefined) last.message += `; ${line.trim()}`;
      continue;
    }
    const { file, line: number, code, message } = DIAGNOSTIC.exec(line)?.groups ?? {};
    if (file === undefined || code === undefined || message === undefined)
      throw new Error(`the types could not be checked: ${line}`);
    const place = { file: resolve(cwd, file), line: Number(number) };
    isLastTold = !isOfPackage(place.file);
    if (isLastTold) problems.push({ place, message: `${message.replace(/\.$/, '')} (${code})` });
  }
  return problems;
}

/** What the site's program did not write: its mistakes, if any, are not the site's. */
function isOfPackage(file: string): boolean {
  const ours = ['master/src/', 'shared/src/'].map((folder) => join(OUR_PACKAGES, folder));
  return ours.some((folder) => file.startsWith(folder)) || file.includes('/node_modules/');
}
