import { realContext } from '../context.ts';
import { realDisk } from '../disk.ts';
import { publish } from '../publish.ts';
import { dyingDisk } from './dying-disk.ts';

// Publishes, and is killed before the given change to the disk: `node killed.ts DIRECTORY REPO CALLS`.
const [directory = '', name = '', calls = ''] = process.argv.slice(2);
const kill = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered before this call returns.
  throw new Error('still alive');
};
const context = realContext(directory, 'killed', () => {});
await publish({ ...context, disk: dyingDisk(realDisk, Number(calls), kill) }, name, { tag: null, description: '' });
