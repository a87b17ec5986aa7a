import { computed, type ReadonlySignal, signal } from '@preact/signals';

/** Resources of one kind by their key. Reading subscribes the reader to every change of the collection. */
export interface Collection<K, T> {
  get(key: K): T | undefined;
  /** In the order in which they came. */
  readonly all: ReadonlySignal<readonly T[]>;
  /** Reads without subscribing. */
  peek(key: K): T | undefined;
  put(item: T): void;
  remove(key: K): void;
  replace(items: Iterable<T>): void;
}

/**
 * The map is changed in place and a version tells of it, so that an event costs what it changes and not what there is.
 * Changes inside `batch` are told once.
 */
export function collection<K, T>(keyOf: (item: T) => K): Collection<K, T> {
  const items = new Map<K, T>();
  const version = signal(0);
  const changed = () => {
    version.value = version.peek() + 1;
  };
  return {
    get(key) {
      version.value;
      return items.get(key);
    },
    all: computed(() => {
      version.value;
      return [...items.values()];
    }),
    peek: (key) => items.get(key),
    put(item) {
      items.set(keyOf(item), item);
      changed();
    },
    remove(key) {
      if (items.delete(key)) changed();
    },
    replace(next) {
      items.clear();
      for (const item of next) items.set(keyOf(item), item);
      changed();
    },
  };
}
