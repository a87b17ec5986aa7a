import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, hostname, platform, release, totalmem } from 'node:os';
import type { WorkerInfo } from '@icefall/shared';
import { systemCode } from './failure.ts';
import { WORKER_VERSION } from './version.ts';

/** Git is asked once, when the agent starts; a machine that takes longer is asked no more. */
const GIT_TIMEOUT_MS = 5000;

/** What the master is told of this machine. */
export async function workerInfo(baseDirectory: string): Promise<WorkerInfo> {
  return {
    platform: platform(),
    arch: arch(),
    os: await osRelease(),
    cpus: availableParallelism(),
    memoryBytes: memoryBytes(),
    hostname: hostname().slice(0, 300),
    versions: { icefall: WORKER_VERSION, node: process.versions.node, kernel: release(), ...(await gitVersion()) },
    baseDirectory,
  };
}

/** In a container what it may use, which is less than the machine has. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

async function osRelease(): Promise<WorkerInfo['os']> {
  const fields = parseOsRelease(await readOrEmpty('/etc/os-release'));
  return {
    name: (fields.PRETTY_NAME ?? platform()).slice(0, 200),
    id: (fields.ID ?? platform()).slice(0, 100),
    version: (fields.VERSION_ID ?? '').slice(0, 100),
  };
}

/** Lines `NAME=value` or `NAME="value"` of os-release(5). */
export function parseOsRelease(text: string): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, name, quoted] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (name !== undefined && quoted !== undefined) fields[name] = quoted.replace(/^(["'])(.*)\1$/, '$2');
  }
  return fields;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return '';
  }
}

/** Nothing where there is no Git: commands that need it say so. */
function gitVersion(): Promise<{ git?: string }> {
  return new Promise((resolve) => {
    execFile('git', ['--version'], { timeout: GIT_TIMEOUT_MS }, (error, stdout) => {
      const version = error === null ? /\d[\w.]*/.exec(stdout)?.[0] : undefined;
      resolve(version === undefined ? {} : { git: version });
    });
  });
}
