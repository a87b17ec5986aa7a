import { useEffect, useRef, useState } from 'preact/hooks';

/** Something that is fetched: on its way, here, or not to be had. */
export type Resource<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly message: string };

/** What `load` brings; again whenever `key` changes. An answer to an older key is not taken. */
export function useResource<T>(key: string, load: () => Promise<T>): Resource<T> {
  const [held, setHeld] = useState<{ key: string; resource: Resource<T> }>({ key, resource: { state: 'loading' } });
  useEffect(() => {
    let wanted = true;
    load().then(
      (value) => wanted && setHeld({ key, resource: { state: 'ready', value } }),
      (cause: unknown) => wanted && setHeld({ key, resource: { state: 'failed', message: messageOf(cause) } }),
    );
    return () => {
      wanted = false;
    };
    // `load` is a new function at every paint; what it brings hangs on the key alone.
  }, [key]);
  return held.key === key ? held.resource : { state: 'loading' };
}

/** The newest value that a resource had, also while the next one is on its way; null: there was none yet. */
export function useKept<T>(resource: Resource<T>): T | null {
  const kept = useRef<T | null>(null);
  if (resource.state === 'ready') kept.current = resource.value;
  return kept.current;
}

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
