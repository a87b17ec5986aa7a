import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { StepDeclaration } from '../step.ts';
import { aRun, commandOf } from '../test-run.ts';
import { imageBuild } from './image-build.ts';
import { imageTag } from './image-push.ts';
import { imageRun } from './image-run.ts';

const hasBuildah = spawnSync('buildah', ['--version']).status === 0;
const canRun = hasBuildah && process.arch === 'x64' && process.getuid?.() === 0;

/** A program for Linux on x86-64 that needs no library and no base image: it says something and ends well. */
function programSaying(text: string): Buffer {
  const code = Buffer.from('b801000000bf01000000488d3510000000ba000000000f05b83c00000031ff0f05', 'hex');
  code.writeInt32LE(Buffer.byteLength(text), 18);
  // From behind the instruction to the end of the code.
  code.writeInt32LE(code.length - 17, 13);
  const head = Buffer.alloc(120);
  head.write('7f454c46020101', 'hex');
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(62, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(0x400078n, 24);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(1, 64);
  head.writeUInt32LE(5, 68);
  head.writeBigUInt64LE(0x400000n, 80);
  head.writeBigUInt64LE(0x400000n, 88);
  const program = Buffer.concat([head, code, Buffer.from(text)]);
  program.writeBigUInt64LE(BigInt(program.length), 96);
  program.writeBigUInt64LE(BigInt(program.length), 104);
  program.writeBigUInt64LE(0x1000n, 112);
  return program;
}

/** A storage of its own: what else is built on this machine is not touched. */
function storageIn(directory: string): Record<string, string> {
  const file = join(directory, 'storage.conf');
  const [run, graph] = [join(directory, 'run'), join(directory, 'graph')];
  writeFileSync(file, `[storage]\ndriver = "vfs"\nrunroot = "${run}"\ngraphroot = "${graph}"\n`);
  return { CONTAINERS_STORAGE_CONF: file, BUILDAH_ISOLATION: 'chroot' };
}

function run(step: StepDeclaration, cwd: string) {
  const { command, env } = commandOf('shell', () => step, aRun());
  const [program = '', ...words] = command as readonly string[];
  const result = spawnSync(program, words, {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: cwd, ...env } as NodeJS.ProcessEnv,
  });
  return { status: result.status, output: `${result.stdout}${result.stderr}` };
}

test.skipIf(!canRun)('buildah itself builds a variant, runs its entry point and gives it another name', () => {
  const directory = mkdtempSync(join(tmpdir(), 'icefall-buildah-'));
  const env = storageIn(directory);
  onTestFinished(() => {
    spawnSync('buildah', ['rm', '--all'], { env: { ...process.env, ...env } });
    rmSync(directory, { recursive: true, force: true });
  });
  mkdirSync(join(directory, 'source'));
  for (const variant of ['test', 'production']) {
    const path = join(directory, 'source', variant);
    writeFileSync(path, programSaying(`the ${variant} variant speaks\n`));
    chmodSync(path, 0o755);
  }
  writeFileSync(
    join(directory, 'source', 'Dockerfile'),
    ['test', 'production'].map((v) => `FROM scratch AS ${v}\nCOPY ${v} /speak\nENTRYPOINT ["/speak"]\n`).join('\n'),
  );
  const options = { env, tool: 'buildah', workdir: directory } as const;
  const image = 'localhost/speaker:1';
  const built = run(imageBuild({ ...options, image, target: 'test', context: 'source' }), directory);
  expect(built.status, built.output).toBe(0);
  const ran = run(imageRun({ ...options, image }), directory);
  expect(ran.status, ran.output).toBe(0);
  expect(ran.output).toContain('the test variant speaks');
  const tagged = run(imageTag({ ...options, image, tags: ['localhost/speaker:latest'] }), directory);
  expect(tagged.status, tagged.output).toBe(0);
  const inStorage = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  expect(execFileSync('buildah', ['images', '-q', 'localhost/speaker:latest'], inStorage)).not.toBe('');
  expect(execFileSync('buildah', ['containers', '-q'], inStorage).trim()).toBe('');
});
