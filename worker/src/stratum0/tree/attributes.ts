import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type BytePath, bytePath, forPeople, toBytes } from '../byte-path.ts';
import type { Attributes } from '../catalog/xattrs.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import { wholePath } from './tree.ts';

// Node has no calls for extended attributes; `getfattr` and `setfattr` have (package attr).

/** What is published: what people set, and the capabilities of programs. Others are the system's own. */
const PUBLISHED = '^(user\\.|security\\.capability$)';

/** The extended attributes of entries below a directory; those that have none are left out. Throws `unreadable_file`. */
export async function readAttributes(root: string, paths: readonly BytePath[]): Promise<Map<BytePath, Attributes>> {
  const found = new Map<BytePath, Attributes>();
  if (paths.length === 0) return found;
  const names = Buffer.concat(paths.flatMap((path) => [toBytes(wholePath(root, path)), Buffer.from([0])]));
  const options = ['-h', '-d', '-e', 'base64', '-m', PUBLISHED, '--absolute-names', '--'];
  // Names may be any bytes, which only standard input can carry; xargs also cuts the list into command lines.
  const dump = await run('xargs', ['-0', 'getfattr', ...options], names);
  const start = bytePath(root).length + 1;
  for (const block of dump.split('\n\n')) {
    const [head = '', ...lines] = block.split('\n').filter((line) => line !== '');
    if (!head.startsWith('# file: ')) continue;
    found.set(unescaped(head.slice('# file: '.length)).slice(start), new Map(lines.map(readLine)));
  }
  return found;
}

function readLine(line: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^(.*?)(?:=0s(.*))?$/s.exec(line) ?? [];
  return [unescaped(name), Buffer.from(value, 'base64').toString('latin1')];
}

/** Sets the extended attributes of entries below a directory. */
export async function writeAttributes(root: string, wanted: ReadonlyMap<BytePath, Attributes>): Promise<void> {
  if (wanted.size === 0) return;
  const blocks = [...wanted].map(([path, attributes]) => {
    const lines = [...attributes].map(
      ([name, value]) => `${escaped(name)}=0s${Buffer.from(value, 'latin1').toString('base64')}`,
    );
    return `# file: ${escaped(wholePath(root, path))}\n${lines.join('\n')}\n\n`;
  });
  await run('setfattr', ['-h', '--restore=-'], Buffer.from(blocks.join(''), 'latin1'));
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function escaped(text: string): string {
  return text.replace(/[^!-~]|[\\=]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** Runs a program; gives its output with one character a byte. */
async function run(program: string, args: readonly string[], input: Buffer): Promise<string> {
  const child = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  // A program that is not there, or ends early, reads nothing: its end says why.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = await once(child, 'close').catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
    return [127];
  });
  if (code === 127)
    throw new Stratum0Error(
      'unreadable_file',
      'extended attributes need the programs getfattr and setfattr: install the package attr, or set CVMFS_INCLUDE_XATTRS=false',
    );
  if (code !== 0)
    throw new Stratum0Error(
      'unreadable_file',
      `extended attributes: ${program} failed: ${forPeople(Buffer.concat(errors).toString('latin1')).trim()}`,
    );
  return Buffer.concat(output).toString('latin1');
}
