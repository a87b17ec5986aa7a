import type { JSX } from 'preact';
import { helpOpen } from './actions.ts';
import { Dialog } from './dialog.tsx';

const KEYS: readonly (readonly [string, string])[] = [
  ['g w', 'waterfall'],
  ['g o', 'console'],
  ['g b', 'builders'],
  ['g q', 'queue'],
  ['g k', 'workers'],
  ['g l', 'locks'],
  ['g s', 'schedulers'],
  ['g c', 'changes'],
  ['Ctrl K', 'go to anything: builder, build, worker, change'],
  ['f', 'force a build'],
  ['/', 'search or filter'],
  ['← ↑ → ↓', 'waterfall: from build to build'],
  ['+  −  0  v', 'waterfall: zoom; plain size, all of it'],
  ['gg  G', 'log: top, bottom and follow'],
  ['n  N', 'log: next and previous hit'],
  ['e  E', 'log: next and previous error'],
  [':', 'log: go to a line'],
  ['t  w  z  f', 'log: times, wrap, fold groups, full screen'],
  ['h  l', 'build: the one before, the one after'],
  ['R  A', 'build: rebuild, stop'],
  ['?', 'this help'],
];

export function HelpDialog(): JSX.Element | null {
  if (!helpOpen.value) return null;
  return (
    <Dialog
      title="Keys"
      name="help"
      onClose={() => {
        helpOpen.value = false;
      }}
    >
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
