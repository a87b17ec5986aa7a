import { type Context, realContext } from '../context.ts';
import { realDisk } from '../disk.ts';
import { resign } from '../repository.ts';
import { abort } from '../verbs/abort.ts';
import { beginTransaction } from '../verbs/begin.ts';
import { collectGarbage } from '../verbs/collect.ts';
import { ingest } from '../verbs/ingest.ts';
import { publish } from '../verbs/publish.ts';
import { rollback } from '../verbs/rollback.ts';
import { addTag } from '../verbs/tags.ts';
import { dyingDisk } from './dying-disk.ts';

// Does something, and is killed before the given change to the disk: `node killed.ts DIRECTORY REPO VERB CALLS`. Exit code 0:
// there were not that many.
const PLAIN = { tag: null, description: '' };
const VERBS: Readonly<Record<string, (context: Context, name: string) => Promise<unknown>>> = {
  transaction: (context, name) => beginTransaction(context, name, ''),
  publish: (context, name) => publish(context, name, PLAIN),
  abort: (context, name) => abort(context, name),
  ingest: (context, name) => ingest(context, name, { base: 'in/deep', archive: `${directory}/archive.tar` }, PLAIN),
  resign: (context, name) => resign(context, name, 10),
  tag: (context, name) => addTag(context, name, 'v1', ''),
  rollback: (context, name) => rollback(context, name, 'trunk-previous'),
  gc: (context, name) => collectGarbage({ ...context, now: () => Date.now() + 10 * 86_400_000 }, name),
};

const [directory = '', name = '', verb = '', calls = ''] = process.argv.slice(2);
const kill = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered before this call returns.
  throw new Error('still alive');
};
const context = realContext(directory, 'killed', () => {});
await VERBS[verb]?.({ ...context, disk: dyingDisk(realDisk, Number(calls), kill) }, name);
