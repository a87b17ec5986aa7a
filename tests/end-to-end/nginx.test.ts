import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { lacking } from '../support/debian-programs.ts';
import { run, TestProcess } from '../support/process.ts';
import { groundOfFile } from '../support/vitest.ts';
import { Front, type FrontAddresses, testFront } from './front.ts';

const TEMPLATE = resolve(import.meta.dirname, '../../k8s/nginx/icefall.conf.template');
const without = lacking('nginx');

/** A whole configuration around the shipped one, which writes nowhere but into `directory`. */
function configurationIn(directory: string, addresses: FrontAddresses): string {
  mkdirSync(directory);
  const site = readFileSync(TEMPLATE, 'utf8').replace(/\$\{(\w+)\}/g, (_all, name: string) => addresses[name] ?? '?');
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const temporary = places.map((name) => `${name}_temp_path ${join(directory, name)};`).join('\n');
  const main = join(directory, 'nginx.conf');
  writeFileSync(join(directory, 'icefall.conf'), site);
  writeFileSync(
    main,
    `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
pid ${join(directory, 'pid')};
error_log stderr warn;
events {}
http {
  access_log off;
  ${temporary}
  include ${join(directory, 'icefall.conf')};
}
`,
  );
  return main;
}

describe.skipIf(without !== '')(`behind nginx with the shipped configuration${without}`, () => {
  const ground = groundOfFile();
  let front: Front;

  beforeAll(async () => {
    front = await Front.open(ground, async (addresses) => {
      const nginx = ['nginx', '-e', 'stderr', '-c', configurationIn(ground.path('nginx'), addresses)];
      const checked = await run(ground, { name: 'nginx -t', command: [...nginx, '-t'] });
      expect(checked, checked.stderr).toMatchObject({ code: 0 });
      expect(checked.stderr).not.toMatch(/\[(warn|alert|emerg)\]/);
      TestProcess.start(ground, { name: 'nginx', command: nginx });
    });
  });

  testFront(() => front);

  test('after a restart of the master it is reached again, and the workers come back', async () => {
    const { master, api } = front;
    await master.kill();
    expect((await api.ask('GET', '/api/v1/status')).status).toBe(502);
    await master.startAgain();
    await api.waitFor('both workers again', async () =>
      (await api.snapshot()).status.workersConnected === 2 ? true : null,
    );
  });
});
