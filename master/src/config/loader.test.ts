import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'icefall-loader-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Files = Readonly<Record<string, string>>;
type Outcome = { readonly title: string } | { readonly problems: readonly string[] };

/**
 * Writes each set of files and loads the site, one after the other in one process of Node's own: vitest loads modules
 * in another way. Places are shown relative to the site's folder.
 */
function loadEach(sets: readonly Files[], firstLimitMs = 20_000): Outcome[] {
  for (const name of sets.flatMap((files) => Object.keys(files)))
    mkdirSync(dirname(join(folder, name)), { recursive: true });
  const script = `
    import { writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    const { loadSite } = await import(${JSON.stringify(new URL('loader.ts', import.meta.url).href)});
    const { formatProblem } = await import(${JSON.stringify(new URL('problems.ts', import.meta.url).href)});
    const outcomes = [];
    for (const files of ${JSON.stringify(sets)}) {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(${JSON.stringify(folder)}, name), text);
      outcomes.push(await loadSite(${JSON.stringify(folder)}, { limitMs: outcomes.length === 0 ? ${firstLimitMs} : 20_000 }).then(
        ({ title }) => ({ title }),
        (error) => ({ problems: (error.problems ?? [{ place: null, message: error.stack }]).map(formatProblem) }),
      ));
    }
    process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  return JSON.parse(output.replaceAll(`${folder}/`, ''));
}

function load(files: Files): Outcome {
  const [outcome] = loadEach([files]);
  if (outcome === undefined) throw new Error('the child told nothing');
  return outcome;
}

const imports = `import * as icefall from '@icefall/master/config';
const { builder, factory, git, masterLock, shell, site, worker } = icefall;
`;
const parts = `const w = worker({ name: 'w' });
const b = builder({ name: 'b', workers: [w], factory: factory([shell({ name: 'hello', command: ['true'] })]) });
`;
const good = (title: string) =>
  `${imports}${parts}export default site({ title: ${title}, workers: [w], builders: [b] });`;

describe('loading a site', () => {
  test('evaluates its program and what that imports', () => {
    expect(
      load({
        'site.ts': `import { title } from './names.ts';\n${good('title')}`,
        'names.ts': `import data from './data/names.json' with { type: 'json' };\nexport const title: string = data.title;`,
        'data/names.json': '{ "title": "From afar" }',
      }),
    ).toEqual({ title: 'From afar' });
  });

  test('sees a changed file that the program imports, and a changed program', () => {
    const first = { 'site.ts': `import { title } from './lib/title.ts';\n${good('title')}`, 'lib/title.ts': '' };
    expect(
      loadEach([
        { ...first, 'lib/title.ts': `export const title = 'one';` },
        { 'lib/title.ts': `export const title = 'two';` },
        { 'site.ts': good(`'three'`) },
      ]),
    ).toEqual([{ title: 'one' }, { title: 'two' }, { title: 'three' }]);
  });

  test('keeps nothing of a failed load: the next one tells only its own mistakes, or none', () => {
    const bad = `${imports}${parts}worker({ name: 'a b' });\nthrow new Error('stop');`;
    expect(loadEach([{ 'site.ts': bad }, { 'site.ts': good(`'fine'`) }, { 'site.ts': bad }])).toEqual([
      { problems: [expect.stringMatching(/^site\.ts:5: .*a b/), 'site.ts:6: stop'] },
      { title: 'fine' },
      { problems: [expect.stringMatching(/^site\.ts:5: .*a b/), 'site.ts:6: stop'] },
    ]);
  });

  test('tells ten mistakes of ten kinds at once, each with its file and line', () => {
    const outcome = load({
      'site.ts': `import { builder, factory, git, masterLock, nightlyScheduler, periodicScheduler, shell, site, textField, forceScheduler, triggerableScheduler, trigger, worker } from '@icefall/master/config';
import { lock } from './locks.ts';
const w = worker({ name: 'has space' });
const steps = factory([
  shell({ name: 'build', command: 'make', idleTimeout: '20 parsecs' }),
  git({ repository: 'https://example.org/r.git', mode: 'ful' }),
  shell({ name: 'locked', command: 'true', locks: [lock.counting(4)] }),
]);
const b = builder({ name: 'b', workers: [w], factory: steps });
const twice = builder({ name: 'b', workers: [w], factory: factory([]) });
const nobody = builder({ name: 'nobody', workers: [], factory: steps });
const nightly = nightlyScheduler({ name: 'nightly', builders: [b], cron: '61 * * * *' });
const force = forceScheduler({ name: 'force', builders: [b], fields: [textField({ name: 'x', pattern: '(' })] });
const often = periodicScheduler({ name: 'often', builders: [b], every: 0 });
export default site({
  title: 'Ten', timeZone: 'Mars/Base', workers: [w], builders: [b, twice, nobody], schedulers: [nightly, force, often],
});`,
      'locks.ts': `import { masterLock } from '@icefall/master/config';\n\nexport const lock = masterLock('tree', { maxCount: 0 });`,
    });
    expect(outcome).toEqual({
      problems: [
        expect.stringMatching(/^locks\.ts:3: lock "tree": option "maxCount".*found 0/),
        expect.stringMatching(/^site\.ts:3: worker "has space": option "name"/),
        expect.stringMatching(/^site\.ts:5: step shell "build": option "idleTimeout".*20 parsecs/),
        expect.stringMatching(/^site\.ts:6: step git.*option "mode".*"ful"/),
        expect.stringMatching(/^site\.ts:7: lock "tree": counting\(4\) can never be granted/),
        expect.stringMatching(/^site\.ts:11: builder "nobody": option "workers"/),
        expect.stringMatching(/^site\.ts:12: nightly scheduler "nightly": cron "61 \* \* \* \*"/),
        expect.stringMatching(/^site\.ts:13: parameter "x": option "pattern"/),
        expect.stringMatching(/^site\.ts:14: periodic scheduler "often": option "every": must be more than zero/),
        expect.stringMatching(/^site\.ts:15: site: option "timeZone".*Mars\/Base/),
        expect.stringMatching(/^site\.ts:10: a second builder is named "b" \(the first is at site\.ts:9\)/),
      ],
    });
  });

  test('tells a mistake that a loop repeats at one place once', () => {
    const loop = `${imports}for (let i = 0; i < 3; i += 1)\n  worker({ name: 'a b' });\n${parts}export default site({ title: 'x', workers: [w], builders: [b] });`;
    expect(load({ 'site.ts': loop })).toEqual({ problems: [expect.stringMatching(/^site\.ts:4: worker "a b"/)] });
  });

  test.each([
    ['site', `${imports}${parts}\nconst x = ;\n`, {}, /^site\.ts:6: syntax error: Expression expected/i],
    ['an imported file', `import './lib.ts';`, { 'lib.ts': '\n\nconst const = 1;\n' }, /^lib\.ts:3: syntax error/],
    ['an early error', `import './lib.ts';`, { 'lib.ts': '\nlet a = 1;\nlet a = 2;\n' }, /^lib\.ts:3: syntax error/],
    ['TypeScript that only a compiler could run', `\nenum Colour { red }\n`, {}, /^site\.ts:2: syntax error.*enum/],
  ])('tells the place of a syntax error: %s', (_, text, others, expected) => {
    expect(load({ 'site.ts': text, ...others })).toEqual({ problems: [expect.stringMatching(expected)] });
  });

  test.each([
    ['a file', `\nimport './missing.ts';`, 'site.ts:2: there is no file "./missing.ts"'],
    [
      'a file without its ending',
      `import './missing';`,
      'site.ts:1: there is no file "./missing"; an import names the file with its ending, .ts',
    ],
    ['a package', `\n\nimport 'no-such-package';`, 'site.ts:3: there is no package "no-such-package"'],
  ])('names the import of %s that is not there', (_, text, expected) => {
    expect(load({ 'site.ts': text })).toEqual({ problems: [expected] });
  });

  test('names an export that the configuration API does not have', () => {
    const text = `import {\n  site,\n  masterlock,\n} from '@icefall/master/config';\n`;
    expect(load({ 'site.ts': text })).toEqual({
      problems: [expect.stringMatching(/^site\.ts:\d: .*does not provide an export named 'masterlock'/)],
    });
  });

  test('tells where its own code throws, through a function of another file', () => {
    expect(
      load({
        'site.ts': `import { fail } from './lib.ts';\n\nfail();`,
        'lib.ts': `export function fail() {\n  null.x;\n}`,
      }),
    ).toEqual({ problems: [expect.stringMatching(/^lib\.ts:2: TypeError: Cannot read/)] });
    expect(load({ 'site.ts': `throw 'words';` })).toEqual({ problems: ["site.ts:1: the site's program threw words"] });
  });

  test('wants a site as the default export', () => {
    const expected = (what: string) => ({
      problems: [`site.ts:1: a site's program ends with "export default site({...})"; ${what}`],
    });
    expect(load({ 'site.ts': 'export const x = 1;' })).toEqual(expected('it has no default export'));
    expect(load({ 'site.ts': 'export default 3;' })).toEqual(expected('its default export is something else'));
  });

  test('gives up a program that waits for ever, and loads the next one', () => {
    const outcomes = loadEach(
      [{ 'site.ts': `await new Promise(() => {});\n${good(`'never'`)}` }, { 'site.ts': good(`'after'`) }],
      500,
    );
    expect(outcomes).toEqual([
      { problems: [expect.stringMatching(/^site\.ts:1: it was not loaded within 500 ms; does it await/)] },
      { title: 'after' },
    ]);
  });

  test('says what to do where there is no program', () => {
    expect(load({ 'other.ts': '' })).toEqual({
      problems: [expect.stringMatching(/there is no site\.ts; .*icefall init/)],
    });
  });
});
