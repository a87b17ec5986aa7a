import type { Change } from '@icefall/shared';
import type { AnyBranchScheduler, SingleBranchScheduler } from '../config/schedulers.ts';
import { changesOf, classify, type Room, type Running } from './running.ts';
import { afterChange, dueGroups, firstDue, moved, repaired, type Timers, without } from './stable-timer.ts';
import type { Start, Started } from './starts.ts';

type Declaration = SingleBranchScheduler | AnyBranchScheduler;

/** What is stored: the timers with the times they are due, so that a restart neither loses nor prolongs the delay. */
interface Data {
  readonly timers: Timers;
}

/** Changes that share a timer and a buildset: all of a single-branch scheduler; else those of one branch. */
function groupOf(declaration: Declaration, change: Change): string {
  if (declaration.kind === 'singleBranch') return '';
  return JSON.stringify([change.codebase, change.project, change.repository, change.branch]);
}

/**
 * The schedulers `singleBranch` and `anyBranch`. Without a tree-stable timer (or with one of zero) each important change
 * becomes a buildset at once and unimportant ones are forgotten. With it, changes are collected until nothing came for
 * so long, and become one buildset: all of them listed, built at the newest of each code base.
 *
 * A start that fails because a property cannot be evaluated keeps its changes; they are built when a configuration in
 * which it can be is applied.
 */
export function onChanges(declaration: Declaration, room: Room): Running {
  const { name, kind, treeStableMs } = declaration;
  const { core, store, starts } = room;
  const timers = () => store.data<Data>(name, kind)?.timers ?? {};
  const setTimers = (next: Timers) => store.setData(name, kind, { timers: next } satisfies Data);

  function atOnce(change: Change): void {
    const started = starts.attempt(declaration, { changes: [change] });
    if (started === null) store.note(name, { changeId: change.id, important: true });
  }

  /** One buildset of a group's changes. The timer is over whether it can be made or not. */
  function build(group: string, make: (start: Start) => Started | null): Started[] {
    const pending = changesOf(
      room,
      store.pending(name).map((change) => change.changeId),
    );
    const changes = pending.filter((change) => groupOf(declaration, change) === group);
    setTimers(without(timers(), [group]));
    if (changes.length === 0) return [];
    const started = make({ changes });
    if (started === null) return [];
    store.built(
      name,
      changes.map((change) => change.id),
    );
    return [started];
  }

  return {
    adopt() {
      const important = store.pending(name).filter((change) => change.important);
      const ids = important.map((change) => change.changeId);
      const groups = new Set(changesOf(room, ids).map((change) => groupOf(declaration, change)));
      const next = repaired(timers(), groups, core.now() + (treeStableMs ?? 0));
      if (JSON.stringify(next) !== JSON.stringify(timers())) setTimers(next);
    },
    nextAt: () => firstDue(timers()),
    wake() {
      for (const group of dueGroups(timers(), core.now())) build(group, (start) => starts.attempt(declaration, start));
    },
    clockJumped(ms) {
      if (firstDue(timers()) !== null) setTimers(moved(timers(), ms));
    },
    changeArrived(change) {
      const importance = classify(declaration, room, change);
      if (importance === null) return;
      const important = importance === 'important';
      if (treeStableMs === null || treeStableMs === 0) {
        if (important) atOnce(change);
        return;
      }
      store.note(name, { changeId: change.id, important });
      const time = { now: core.now(), delayMs: treeStableMs };
      setTimers(afterChange(timers(), groupOf(declaration, change), important, time));
    },
    enabled() {
      // What was due meanwhile is not built the moment somebody switches it on: the delay runs anew.
      const [now, delay] = [core.now(), treeStableMs ?? 0];
      const late = Object.entries(timers()).map(([group, dueAt]) => [group, dueAt <= now ? now + delay : dueAt]);
      setTimers(Object.fromEntries(late));
    },
    runNow() {
      const make = (start: Start) => starts.start(declaration, start);
      const groups = Object.keys(timers());
      return groups.length > 0 ? groups.flatMap((group) => build(group, make)) : [make({})];
    },
  };
}
