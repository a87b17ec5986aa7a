import type { JSX } from 'preact';
import { store } from '../store/index.ts';

/** What a force will start, and what will keep it waiting as things are now. */
export function Preview({ builders }: { builders: readonly string[] }): JSX.Element {
  const notes = builders.flatMap((name) => notesOf(name).map((text) => ({ name, text })));
  return (
    <div class="preview dim" data-preview>
      Starts{' '}
      {builders.length === 0 ? 'nothing' : builders.length > 4 ? `${builders.length} builders` : builders.join(', ')}
      {notes.length === 0 && builders.length > 0 && ', at once.'}
      {notes.length > 0 && (
        <ul>
          {notes.map(({ name, text }) => (
            <li key={`${name} ${text}`}>
              {builders.length > 1 && `${name}: `}
              {text}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function notesOf(name: string): string[] {
  const builder = store.builders.get(name);
  if (builder === undefined) return [];
  const workers = builder.workers.flatMap((worker) => store.workers.get(worker) ?? []);
  const connected = workers.filter((worker) => worker.connected);
  const able = connected.filter((worker) => !worker.paused);
  const notes: string[] = [];
  if (builder.pendingRequests > 0) notes.push(`${builder.pendingRequests} waiting before it`);
  if (connected.length === 0) notes.push(`waits until ${builder.workers.join(' or ')} connects`);
  else if (able.length === 0) notes.push(`waits until ${builder.workers.join(' or ')} is resumed`);
  else if (able.every((worker) => worker.buildIds.length >= worker.maxBuilds))
    notes.push(`waits for a free slot on ${able.map((worker) => worker.name).join(' or ')}`);
  return notes;
}
