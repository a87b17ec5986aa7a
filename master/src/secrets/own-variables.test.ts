import { expect, test } from 'vitest';
import { webhook } from '../config/changes.ts';
import { siteWith } from '../workers/test-room.ts';
import { secretsFrom } from './declaration.ts';
import { isOwnVariable } from './own-variables.ts';

test('variables that hold secrets of the site are known, wherever it names them, and no others', () => {
  const vault = secretsFrom.vault({
    url: 'https://vault.example.org',
    auth: { appRole: { roleId: 'r', secretId: { env: 'VAULT_SECRET_ID' } } },
  });
  const from = [secretsFrom.environment({ prefix: 'CI_SECRET_' }), vault, secretsFrom.directory('/run/secrets')];
  const site = {
    ...siteWith({ name: 'w1', token: { env: 'W1_TOKEN' } }),
    changeSources: [webhook('github', { secrets: [{ file: '/etc/hook' }, { env: 'HOOK_SECRET' }] })],
    secrets: { from, allow: [] },
  };
  const own = ['W1_TOKEN', 'HOOK_SECRET', 'CI_SECRET_DEPLOY', 'VAULT_SECRET_ID'];
  expect([...own, 'PATH', 'CI_BRANCH', 'r'].filter((variable) => isOwnVariable(site, variable))).toEqual(own);
});
