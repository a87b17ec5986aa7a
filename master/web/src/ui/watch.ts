import type { Build } from '@icefall/shared';
import { effect, signal } from '@preact/signals';
import { navigate } from '../navigation.ts';
import { paths } from '../routes.ts';
import { keepLive, store } from '../store/index.ts';
import { tell } from './actions.ts';
import { lookOfBuild, WORDS } from './look.ts';
import { shortDuration } from './times.ts';

/** Running builds of whose end this tab is to tell the person, wherever they look. */
export const watched = signal<ReadonlySet<number>>(new Set());

/** Whether this browser can tell anybody anything. */
export const canNotify = 'Notification' in globalThis;

/** Begins or ends to watch a build; asks for the browser's permission where it was never asked for. */
export async function toggleWatch({ id }: Build): Promise<void> {
  if (watched.peek().has(id)) {
    forget(id);
    return;
  }
  if ((await Notification.requestPermission()) !== 'granted') {
    tell('The browser does not let this page notify you: allow it in the site settings beside the address.', {
      bad: true,
    });
    return;
  }
  watched.value = new Set([...watched.peek(), id]);
}

/** Once, from main.tsx. */
export function startWatching(): void {
  effect(() => {
    keepLive.value = watched.value.size > 0;
    for (const id of watched.value) {
      const build = store.builds.get(id);
      if (build === undefined || build.finishedAt === null) continue;
      forget(id);
      notify(build, build.finishedAt);
    }
  });
}

function forget(id: number): void {
  watched.value = new Set([...watched.peek()].filter((other) => other !== id));
}

function notify(build: Build, finishedAt: number): void {
  const title = `${build.builder} #${build.number}: ${WORDS[lookOfBuild(build)]}`;
  const body = [shortDuration(finishedAt - build.startedAt), build.summary].filter((part) => part !== '').join(', ');
  const notification = new Notification(title, { body, icon: '/icefall.svg', tag: `icefall-build-${build.id}` });
  notification.onclick = () => {
    focus();
    navigate(paths.build(build.id));
    notification.close();
  };
}
