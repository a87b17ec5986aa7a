import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { secret } from '../secrets/reference.ts';
import { definitionJsonSchema } from './definition.ts';
import { jobsOf } from './jobs.ts';
import { readPipeline } from './pipeline.ts';
import { GOOD, offer, project } from './test-projects.ts';

function mistakes(text: string): readonly string[] {
  const read = readPipeline(text, project('widgets'), offer());
  return 'mistakes' in read ? read.mistakes : [];
}

const AT = 'https://git.example.org/widgets.git icefall.yml';

const DOCS = new URL('../../../docs/', import.meta.url);

describe('the documentation', () => {
  test('shows a pipeline that is right, and builds what it says', () => {
    const text = readFileSync(new URL('examples/icefall.yml', DOCS), 'utf8');
    const release = offer().publish;
    const secrets = { UPLOAD_TOKEN: secret('upload') };
    const read = readPipeline(text, project('widgets'), { ...offer(), publish: release, secrets });
    expect(
      'pipeline' in read ? jobsOf('widgets', read.pipeline.definition).map(({ builder }) => builder) : read,
    ).toEqual(['widgets-debian12-Debug', 'widgets-debian12-Release', 'widgets-alma9-Release']);
    expect(readFileSync(new URL('projects.md', DOCS), 'utf8')).toContain(text);
  });

  test('has the schema that the master serves: icefall projects schema > docs/icefall.schema.json', () => {
    const schema = JSON.parse(readFileSync(new URL('icefall.schema.json', DOCS), 'utf8'));
    expect(schema).toEqual(JSON.parse(JSON.stringify(definitionJsonSchema())));
  });
});

describe('a pipeline', () => {
  test('that was parsed before is read without its text, which is needed to tell the line of a mistake only', () => {
    const first = readPipeline(GOOD, project('widgets'), offer());
    if (!('parsed' in first)) throw new Error(first.mistakes.join('\n'));
    const parsed = JSON.parse(JSON.stringify(first.parsed));
    expect(readPipeline('no: text', project('widgets'), offer(), parsed)).toEqual(first);
    const fewer = { ...offer(), platforms: {} };
    const again = readPipeline(GOOD, project('widgets'), fewer, parsed);
    expect(again).toEqual(readPipeline(GOOD, project('widgets'), fewer));
    expect('mistakes' in again ? again.mistakes : []).toHaveLength(2);
  });

  test('that is right is read with the line of each step', () => {
    const read = readPipeline(GOOD, project('widgets'), offer());
    expect(read).toMatchObject({ pipeline: { stepLines: [8, 9], definition: { platforms: ['debian12', 'alma9'] } } });
  });

  test.each([
    ['version: 2\nplatforms: [debian12]\nsteps: [{ run: make }]', `${AT}:1: option "version": must be 1`],
    [
      'version: 1\nplatforms: [debian12]\nsteps:\n  - run: make\n    rum: x',
      `${AT}:5: option "steps.0": unknown option "rum"`,
    ],
    [
      'version: 1\nplatforms: [debian12, beos]\nsteps: [{ run: make }]',
      `${AT}:2: unknown platform "beos"; the site's platforms: debian12, alma9`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nsteps:\n  - run: make\n    locks: [gpu]',
      `${AT}:5: unknown lock "gpu"; the site's locks: cpu`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nsteps:\n  - run: make\n    locks: [{ lock: cpu, count: 9 }]',
      `${AT}:5: lock "cpu": 9 can never be granted; it has 4`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nlocks: [cpu]\nsteps: [{ run: make, locks: [cpu] }]',
      `${AT}:4: lock "cpu" is held by the whole build already`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nsteps: [{ run: make, secrets: [KEY] }]',
      `${AT}:3: unknown secret "KEY"; the site's secrets: TOKEN`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nsteps: [{ publish: moon }]',
      `${AT}:3: the site publishes nothing as "moon"; the site's publishers: release`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nsteps: [{ run: make, publish: release }]',
      `${AT}:3: option "steps.0": a step needs one of run, artifact and publish, and only one`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nmatrix: { PY: [3.10] }\nsteps: [{ run: make }]',
      `${AT}:3: option "matrix.PY.0": must be 1 to 40 letters`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nsteps: [{ run: make, only: { color: red } }]',
      `${AT}:3: "color" is neither platform, branch nor an axis of matrix`,
    ],
    [
      'version: 1\nplatforms: [debian12]\nsteps: [{ artifact: ../../etc/passwd }]',
      `${AT}:3: option "steps.0.artifact": must be a path below the checkout`,
    ],
    ['version: 1\nplatforms: [debian12\nsteps: []', `${AT}:`],
    ['version: 1\nplatforms: [debian12]\nversion: 1', `${AT}:3: the key "version" is there twice`],
    ['just text', `${AT}:1: `],
    ['', `${AT}:1: `],
  ])('%j is refused, with its place and what to do', (text, expected) => {
    expect(mistakes(text).join('\n')).toContain(expected);
  });

  test('tells all mistakes at once', () => {
    expect(mistakes('version: 1\nplatforms: [a]\nsteps:\n  - run: 3.5\n  - rum: x')).toHaveLength(3);
  });

  test('cannot make a thousand builders, nor none', () => {
    const values = (letter: string) => Array.from({ length: 40 }, (_, i) => `${letter}${i}`).join(', ');
    const many = `version: 1\nplatforms: [debian12]\nmatrix:\n  A: [${values('a')}]\n  B: [${values('b')}]\n  C: [${values('c')}]\nsteps: [{ run: make }]`;
    expect(mistakes(many)).toEqual([
      expect.stringContaining(`${AT}:3: platforms and matrix make more than 100 builders`),
    ]);
    const none = 'version: 1\nplatforms: [debian12]\nexclude: [{ platform: debian12 }]\nsteps: [{ run: make }]';
    expect(mistakes(none)).toEqual([expect.stringContaining('nothing would be built')]);
  });

  // Each key held against all others takes a minute.
  test('of as many keys as a file may have is read at once', () => {
    const keys = Array.from({ length: 35_000 }, (_, i) => `k${i}:`);
    expect(mistakes(keys.join('\n')).join('\n')).toContain(`${AT}:1: `);
  });

  test('whose aliases would fill the memory is refused', () => {
    const levels = Array.from({ length: 12 }, (_, i) => {
      const of = i === 0 ? 'x' : `*l${i - 1}`;
      return `l${i}: &l${i} [${Array(9).fill(of).join(', ')}]`;
    });
    expect(mistakes(levels.join('\n'))).toEqual([expect.stringMatching(/alias/i)]);
  });

  test('has a schema for editors that knows its options', () => {
    const schema = JSON.parse(JSON.stringify(definitionJsonSchema()));
    expect(schema.required).toEqual(['version', 'platforms', 'steps']);
    expect(Object.keys(schema.properties.steps.items.properties)).toContain('artifact');
  });
});
