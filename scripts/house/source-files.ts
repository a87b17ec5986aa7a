import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Another file of the project that one imports or re-exports from. */
export interface Import {
  /** From the project's root. */
  readonly target: string;
  /** `import type`: gone when the program runs. */
  readonly isType: boolean;
}

/** A program text of the project. */
export interface SourceFile {
  /** From the project's root. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const IMPORT = /^(?:import|export)\s(type\s)?[^;']*?from '(\.[^']+)'/gm;

/** Reads what a text imports of the project's own files. */
export function sourceFile(path: string, text: string): SourceFile {
  const imports = [...text.matchAll(IMPORT)].map(([, type, target = '']) => ({
    target: normalize(join(dirname(path), target)),
    isType: type !== undefined,
  }));
  return { path, text, imports };
}

/** All program texts below the root that git knows, tests among them. */
export function sourceFiles(root: string): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '*.ts', '*.tsx', '*.mjs'], { cwd: root }).toString();
  return listed
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')));
}

/** Tests, and what only tests use: they may reach into any room. */
export function isOfTests({ path }: SourceFile): boolean {
  return /\.test\.tsx?$|(^|\/)(tests|testing|test-support|fixtures|dev)\/|\/test-[^/]+$/.test(path);
}
