import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../program.ts';
import { fakeTerminal } from '../testing/fake-terminal.ts';

/** The one of the page. */
const PAGE = resolve(import.meta.dirname, '../../../../docs/container-pipelines.md');
const [, RIGHT = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(readFileSync(PAGE, 'utf8')) ?? [];
/** A line of it, from 1. */
const lineOf = (text: string) => RIGHT.slice(0, RIGHT.indexOf(text)).split('\n').length;

async function icefall(description: string, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'icefall-image-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'image.yaml'), description);
  const terminal = fakeTerminal({ cwd: folder });
  const code = await run(['images', ...args], terminal);
  return { code, ...terminal.written };
}

describe('icefall images dockerfile', () => {
  test('prints the Dockerfile of what a project describes, with the policy of the site', async () => {
    const { code, out, err } = await icefall(RIGHT, 'dockerfile', 'image.yaml');
    expect(code, err).toBe(0);
    expect(out).toMatch(/^# The service of a project\. Rendered from image\.yaml by /);
    expect(out).toContain(
      'FROM docker.io/library/golang:1.24-bookworm AS build\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . ./\nRUN make\n',
    );
    expect(out).toContain('COPY --from=init /usr/bin/tini-static /usr/local/bin/tini\n');
    expect(out).toContain('USER 10001:10001\nSTOPSIGNAL SIGTERM\nHEALTHCHECK');
    expect(out).toContain('ENTRYPOINT ["/usr/local/bin/tini","-s","--","service"]\n');
  });

  test('tells every mistake with file, line, place and value', async () => {
    const wrong = RIGHT.replace('debian:12-slim', 'debian:latest').replace('ports: [8080]', 'port: 8080');
    const { code, err } = await icefall(wrong, 'dockerfile', 'image.yaml');
    expect(code).toBe(1);
    const place = (line: string) => `image.yaml:${lineOf(line)}: option `;
    const base = 'docker.io/library/debian:latest';
    expect(err).toContain(
      `${place('on: docker.io/library/debian')}"stages.2.on": "${base}" must be an earlier stage, or`,
    );
    expect(err).toContain(`${place('ports')}"stages.2": unknown option "port"`);
    const stage = await icefall(RIGHT.replace('from: build', 'from: builds'), 'dockerfile', 'image.yaml');
    const words = '"stages.2.copies": "builds" is no earlier stage; there are: build, test';
    expect(stage.err).toContain(`${place('copies: [{ from')}${words}`);
  });

  test.each([
    ['a: [', /image\.yaml:1: /],
    ['', /image\.yaml:1: .*expected object/],
  ])('tells what is wrong with %j', async (text, message) => {
    expect((await icefall(text, 'dockerfile', 'image.yaml')).err).toMatch(message);
    expect((await icefall(text, 'dockerfile', 'none.yaml')).err).toMatch(/none\.yaml: ENOENT/);
  });

  test('has a schema for editors', async () => {
    const { out } = await icefall('', 'schema');
    expect(JSON.parse(out)).toMatchObject({
      title: 'Icefall image',
      required: expect.arrayContaining(['name', 'stages']),
    });
  });
});
