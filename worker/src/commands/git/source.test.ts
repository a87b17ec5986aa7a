import { describe, expect, it } from 'vitest';
import { gitOf } from '../../test-support/commands.ts';
import { gitSource, isFullObjectName, isObjectName, withoutCredentials } from './source.ts';

const source = (repository: string, branch: string | null = null, revision: string | null = null) =>
  gitSource(gitOf(repository, { branch, revision }), '/base/b');

describe('names from outside', () => {
  it.each([
    ['--upload-pack=touch /tmp/x', null, null, 'bad_repository'],
    ['ext::sh -c touch% /tmp/x', null, null, 'bad_repository'],
    ['https://h/r\nx', null, null, 'bad_repository'],
    ['https://h/r', '--force', null, 'bad_branch'],
    ['https://h/r', 'main:refs/heads/evil', null, 'bad_branch'],
    ['https://h/r', '+main', null, 'bad_branch'],
    ['https://h/r', 'a..b', null, 'bad_branch'],
    ['https://h/r', 'a b', null, 'bad_branch'],
    ['https://h/r', '', null, 'bad_branch'],
    ['https://h/r', 'x.lock', null, 'bad_branch'],
    ['https://h/r', null, '--all', 'bad_revision'],
    ['https://h/r', null, 'a..b', 'bad_revision'],
    ['https://h/r', null, 'HEAD:file', 'bad_revision'],
  ])('are refused where Git could take them for more: %s %s %s', (repository, branch, revision, code) => {
    expect(() => source(repository, branch, revision)).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    ['https://host/r.git', 'feature/#1-ä', 'v1.0'],
    ['git@host:group/r.git', 'release-1.2', '0123abc'],
    ['/srv/r.git', 'refs/merge-requests/5/head', null],
  ])('are taken as they are otherwise: %s %s %s', (repository, branch, revision) => {
    expect(source(repository, branch, revision)).toEqual({ repository, branch, revision });
  });
});

it('takes a relative path from the build’s directory', () => {
  expect(source('../mirror/r.git').repository).toBe('/base/mirror/r.git');
});

it('ignores the revision for a merge commit that the server makes anew', () => {
  expect(source('https://h/r', 'refs/pull/5/merge', 'a'.repeat(40)).revision).toBeNull();
  expect(source('https://h/r', 'refs/pull/5/head', 'a'.repeat(40)).revision).toBe('a'.repeat(40));
});

it('tells object names from others', () => {
  expect([isObjectName('0123abc'), isObjectName('main'), isObjectName('v1.2'), isObjectName('abc')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([
    isFullObjectName('a'.repeat(40)),
    isFullObjectName('a'.repeat(39)),
    isFullObjectName('a'.repeat(64)),
  ]).toEqual([true, false, true]);
});

it('hides the credentials in an address', () => {
  expect(withoutCredentials('clone https://user:pw@host/r and ssh://git@h/r')).toBe(
    'clone https://***@host/r and ssh://***@h/r',
  );
});
