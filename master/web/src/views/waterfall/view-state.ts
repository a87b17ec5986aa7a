import { computed, signal } from '@preact/signals';
import { query } from '../../navigation.ts';
import { now } from '../../store/clock.ts';
import { store } from '../../store/index.ts';
import { builderPasses, buildPasses, filtersOf } from './filters.ts';
import { layoutOf } from './layout.ts';
import { SCALE_MODES, type ScaleMode } from './scale.ts';

export const ZOOM_STEP = 1.4;
const SMALLEST_ZOOM = 0.25;
const LARGEST_ZOOM = 12;
/** Columns narrower than this hide what steps are called. */
export const LEAST_WIDTH = 98;
const LEAST_WIDTH_PHONE = 92;

export const zoom = computed(() => bounded(Number(query.value.get('zoom') ?? 1) || 1));
export const mode = computed(
  (): ScaleMode => SCALE_MODES.find((one) => one === query.value.get('time')) ?? 'compressed',
);
/** Whether builders without builds in the known past are left out. */
export const onlyBusy = computed(() => query.value.get('with') === 'builds');
export const filters = computed(() => filtersOf(query.value));

export function bounded(value: number): number {
  return Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, value));
}

/** Size of the window through which the waterfall is seen, and what of it is in view (rounded, so few paints). */
export const viewport = signal({ top: 0, left: 0, width: 1200, height: 800 });
/** Axis and changes at the left. */
export const sideWidth = computed(() => (viewport.value.width < 640 ? 46 : viewport.value.width < 1000 ? 150 : 220));

const busyBuilders = computed(() => {
  const waiting = store.requests.all.value.filter((request) => request.state === 'pending');
  return new Set([...store.builds.all.value, ...waiting].map((item) => item.builder));
});

export const shownBuilders = computed(() =>
  store.builders.all.value.filter(
    (builder) => builderPasses(filters.value, builder) && (!onlyBusy.value || busyBuilders.value.has(builder.name)),
  ),
);

export const shownBuilds = computed(() => {
  const names = new Set(shownBuilders.value.map((builder) => builder.name));
  const { since, hole } = store.history.value;
  return store.builds.all.value.filter(
    (build) =>
      names.has(build.builder) &&
      (build.finishedAt === null || build.finishedAt >= since) &&
      (hole === null || build.startedAt <= hole.from || build.finishedAt === null || build.finishedAt >= hole.to) &&
      buildPasses(filters.value, build, store.changes.peek),
  );
});

const shownChanges = computed(() => {
  const { hole } = store.history.value;
  const { branch } = filters.value;
  return store.changes.all.value.filter(
    ({ receivedAt, branch: own }) =>
      (branch === '' || own === branch) && (hole === null || receivedAt <= hole.from || receivedAt >= hole.to),
  );
});

const available = computed(() => viewport.value.width - sideWidth.value - 20);
const leastWidth = computed(() => (viewport.value.width < 640 ? LEAST_WIDTH_PHONE : LEAST_WIDTH));

/** Everything's place; again each second, for running builds grow. */
export const layout = computed(() =>
  layoutOf({
    builders: shownBuilders.value,
    builds: shownBuilds.value,
    requests: store.requests.all.value.filter((request) => request.state === 'pending'),
    changes: shownChanges.value,
    now: now.value,
    oldest: Math.min(store.history.value.since, now.value - 1),
    mode: mode.value,
    zoom: zoom.value,
    hole: store.history.value.hole,
    available: available.value,
    leastWidth: leastWidth.value,
  }),
);

/** The build under the pointer or with the focus; its relatives are marked, its card is shown. */
export const hovered = signal<number | null>(null);
export const related = computed(() => {
  const id = hovered.value;
  const build = id === null ? undefined : store.builds.get(id);
  if (build === undefined) return new Set<number>();
  const family = store.builds.all.value.filter(
    (other) => other.parentBuildId === build.id || other.id === build.parentBuildId,
  );
  return new Set([build.id, ...family.map((other) => other.id)]);
});
