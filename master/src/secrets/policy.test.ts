import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { takeProblems } from '../config/problems.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import { shell } from '../steps/shell.ts';
import { secretsFrom } from './declaration.ts';
import { fitsWildcard, refusalOf } from './policy.ts';
import { secret } from './reference.ts';

const w = worker({ name: 'w' });
const deploy = builder({ name: 'deploy', workers: [w], factory: factory([]) });
const stamp = (branch: string | null, repository = 'https://host/r') => ({ branch, repository });
const asked = { secret: 'deploy-token', builder: 'deploy' };

describe('the rules of a site', () => {
  const rules = [
    { secrets: ['deploy-*'], builders: [deploy], branches: ['main', 'release/*', 'HEAD'] },
    { secrets: ['cache-key'], branches: ['*'], repositories: ['https://host/*'] },
  ];

  it.each([['main'], ['release/2.0/hot'], [null]])(
    'give a secret to a build of a branch that they name: %s',
    (branch) => {
      expect(refusalOf(rules, { ...asked, sourceStamps: [stamp(branch)] })).toBeNull();
    },
  );

  it.each([
    ['refs/pull/5/merge', 'deploy', /branch "refs\/pull\/5\/merge"/],
    ['mainline', 'deploy', /branch "mainline"/],
    ['main', 'docs', /builder "docs"/],
  ])('give it to no other: %s of %s', (branch, builderName, why) => {
    const request = { secret: 'deploy-token', builder: builderName, sourceStamps: [stamp(branch)] };
    expect(refusalOf(rules, request)).toMatch(why);
  });

  it('look at every source of a build, and at its repository', () => {
    expect(refusalOf(rules, { ...asked, sourceStamps: [stamp('main'), stamp('evil')] })).toMatch(/branch "evil"/);
    const cache = { secret: 'cache-key', builder: 'docs' };
    expect(refusalOf(rules, { ...cache, sourceStamps: [stamp('any')] })).toBeNull();
    expect(refusalOf(rules, { ...cache, sourceStamps: [stamp('any', 'https://evil/r')] })).toMatch(/https:\/\/evil\/r/);
  });
});

it('a pattern fits a whole text, and never takes long', () => {
  expect(fitsWildcard('a*b*c', 'a-b-b-c')).toBe(true);
  expect([fitsWildcard('a*a', 'a'), fitsWildcard('a.c', 'abc'), fitsWildcard('', ''), fitsWildcard('*', '')]).toEqual([
    ...[false, false, true, true],
  ]);
  expect(fitsWildcard('*a'.repeat(150), 'a'.repeat(149).concat('b'))).toBe(false);
});

describe('a configuration', () => {
  const problemsOf = (declare: () => unknown) => {
    takeProblems();
    declare();
    return takeProblems().map(({ message }) => message);
  };
  const withStep = () => {
    const step = shell({ name: 'push', command: 'x', env: { T: secret('deploy-token') } });
    return builder({ name: 'b', workers: [w], factory: factory([step]) });
  };

  it('that names a secret which comes from nowhere is refused', () => {
    expect(problemsOf(() => site({ title: 't', workers: [w], builders: [withStep()] }))).toEqual([
      'step "push" of builder "b": secret "deploy-token" comes from nowhere; say in site({ secrets }) where secrets are kept',
    ]);
  });

  it('whose rules give the secret to other builders only is refused', () => {
    const secrets = { from: [secretsFrom.directory('/run/secrets')], allow: [{ builders: [deploy], branches: ['*'] }] };
    const declare = () => site({ title: 't', workers: [w], builders: [withStep(), deploy], secrets });
    expect(problemsOf(declare)).toEqual([
      'step "push" of builder "b": secret "deploy-token" is given by no rule of site({ secrets: { allow } }) to this builder',
    ]);
  });

  it('is looked at in the environment of a builder, too', () => {
    const env = { T: secret('deploy-token') };
    const declare = () =>
      site({ title: 't', workers: [w], builders: [builder({ name: 'b', workers: [w], factory: factory([]), env })] });
    expect(problemsOf(declare)).toContain(
      'the environment of builder "b": secret "deploy-token" comes from nowhere; say in site({ secrets }) where secrets are kept',
    );
  });

  it('must say which branches are trusted, and where secrets are kept', () => {
    const secrets = { from: [], allow: [{ builders: [deploy] }] } as never;
    const problems = problemsOf(() => site({ title: 't', workers: [w], builders: [deploy], secrets }));
    expect(problems.join('\n')).toMatch(
      /secrets\.from": must name at least one place[\s\S]*allow\.0\.branches": is missing/,
    );
  });

  it.each(['', '../x', '/etc/passwd', '-x', 'a b', '.hidden', 'a/../b', 'a:b:c'])('refuses the name %j', (name) => {
    expect(problemsOf(() => secret(name)).join()).toMatch(/must be a name such as/);
  });

  it('takes no secret where its value would be seen: in a command line, in a property', () => {
    const line = ['deploy', secret('deploy-token')] as never;
    expect(problemsOf(() => shell({ command: line })).join()).toMatch(/option "command/);
  });
});
