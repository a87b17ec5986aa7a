import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { PLATFORMS } from '@icefall/docker/platforms';
import { renderedManifests } from '@icefall/k8s/rendered';
import { TestGround } from '../support/ground.ts';
import { ApiServer } from './api-server.ts';
import { apiServerPrograms } from './api-server-programs.ts';
import { refusalsOf } from './manifests.ts';

/**
 * `npm run kubernetes`: a real API server, built from Debian's source where there is none yet. All manifests must be accepted
 * by it, and what makes the pods of pools is tested against it instead of against its double.
 */
const PROJECT = resolve(import.meta.dirname, '../..');
const say = (line: string) => console.log(line);

await using ground = new TestGround();
const { kubeconfig } = await ApiServer.start(ground, apiServerPrograms(say));
const overlays = readdirSync(join(PROJECT, 'k8s/overlays')).map((name) => `overlays/${name}`);
const files = renderedManifests(PLATFORMS);
for (const folder of ['base', ...overlays]) {
  const { accepted, refused } = await refusalsOf(kubeconfig, files, `k8s/${folder}`);
  say(`${folder}: ${accepted} objects are accepted`);
  for (const line of refused) say(`  refused: ${line}`);
  if (refused.length > 0) process.exitCode = 1;
}
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const tests = ['run', '--project', 'unit', 'master/src/pools/providers.test.ts'];
const { status } = spawnSync(process.execPath, [vitest, ...tests], {
  ...{ cwd: PROJECT, stdio: 'inherit' },
  env: { ...process.env, ICEFALL_TEST_CLUSTER: kubeconfig },
});
if (status !== 0) process.exitCode = 1;
