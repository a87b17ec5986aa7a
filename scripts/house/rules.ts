import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { layerFaults } from './layers.ts';
import { isOfTests, type SourceFile, sourceFiles } from './source-files.ts';

/** Where time and chance come in; everything else is handed them, or the simulation would not be true. */
const CLOCKS: ReadonlySet<string> = new Set([
  'master/src/engine/real.ts',
  'master/src/cli/process-terminal.ts',
  // Outside the engine: a program of its own, limits of answers from elsewhere, a login that ends.
  'master/src/changes/git-hook/main.ts',
  'master/src/cli/client/api-client.ts',
  'master/src/config/load-watch.ts',
  'master/src/config/loader.ts',
  'master/src/secrets/vault.ts',
  'worker/src/clock.ts',
  'worker/src/commands/transfers/exchange.ts',
  'worker/src/stratum0/context.ts',
  'worker/src/stratum0/published.ts',
]);
const CLOCK = /\b(?:Date\.now|Math\.random|performance\.now|setTimeout|setInterval)\(|\bnew Date\(\)/;
/** Exported for somebody outside: sites, people who read the API's document, the bundler. */
const FOR_OTHERS = [/^config\//, /^docs\//, /^tests\/.*\/sites\//, /\.config\.ts$/];
const VALUE = /^export (?:async )?(?:abstract )?(?:function\*?|const|class|let) ([A-Za-z_$][\w$]*)/gm;
const WORD = /[A-Za-z_$][\w$]*/g;
const LINK = /\]\(([^)\s]+)\)/g;

/** Everything that breaks the rules of this house, one line each. */
export function houseFaults(root: string): string[] {
  const files = sourceFiles(root);
  const pages = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root }).toString().split('\0');
  return [
    ...layerFaults(files),
    ...cycleFaults(files),
    ...clockFaults(files),
    ...exportFaults(files),
    ...pages.filter((page) => page !== '' && existsSync(join(root, page))).flatMap((page) => linkFaults(root, page)),
  ];
}

/** Files that import each other in a circle when they run: none can be understood, or loaded, without the others. */
export function cycleFaults(files: readonly SourceFile[]): string[] {
  const targets = new Map(
    files.map(({ path, imports }) => [path, imports.filter(({ isType }) => !isType).map(({ target }) => target)]),
  );
  const done = new Set<string>();
  const faults: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const begin = way.indexOf(path);
    if (begin >= 0) faults.push(`a circle of imports: ${[...way.slice(begin), path].join(' → ')}`);
    if (begin >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return faults;
}

/** Time or chance asked for in a room that is handed them. */
export function clockFaults(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => /^(master|worker|shared)\/src\//.test(file.path) && !isOfTests(file))
    .filter(({ path, text }) => !CLOCKS.has(path) && CLOCK.test(text))
    .map(({ path, text }) => `${path} uses ${CLOCK.exec(text)?.[0]}…: take a clock from the ports`);
}

/** Values that are exported and that no other file names. */
export function exportFaults(files: readonly SourceFile[]): string[] {
  const users = new Map<string, number>();
  for (const { text } of files)
    for (const word of new Set(text.match(WORD) ?? [])) users.set(word, (users.get(word) ?? 0) + 1);
  return files
    .filter(({ path }) => !FOR_OTHERS.some((place) => place.test(path)))
    .flatMap(({ path, text }) =>
      [...text.matchAll(VALUE)]
        .filter(([, name = '']) => users.get(name) === 1)
        .map(([, name]) => `${path} exports ${name}, which nobody imports`),
    );
}

/** Links of a page of Markdown to files that are not there. */
export function linkFaults(root: string, page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(LINK)]
    .map(([, link = '']) => link.replace(/#.*/, ''))
    .filter((link) => link !== '' && !/^[a-z]+:/.test(link))
    .filter((link) => !existsSync(join(root, normalize(join(dirname(page), link)))))
    .map((link) => `${page} links to ${link}, which is not there`);
}
