import { Stratum0Error } from './errors.ts';

/** A named revision. */
export interface Tag {
  readonly name: string;
  readonly root: string;
  readonly revision: number;
  /** Seconds since the epoch. */
  readonly publishedAt: number;
  readonly description: string;
}

/** Names that the stock tools keep for the newest revision and the one before it. */
export const TRUNK = 'trunk';
export const TRUNK_PREVIOUS = 'trunk-previous';

/** The object that lists a repository's tags: JSON, newest revision first. */
export function encodeHistory(tags: readonly Tag[]): Buffer {
  return Buffer.from(JSON.stringify(tags));
}

/** Throws `bad_history`. */
export function decodeHistory(bytes: Buffer): Tag[] {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (Array.isArray(value) && value.every(isTag)) return value;
  } catch {
    // Told below, like any other content that is not a history.
  }
  throw new Stratum0Error('bad_history', 'the history object is not a list of tags');
}

function isTag(value: unknown): value is Tag {
  if (typeof value !== 'object' || value === null) return false;
  const { name, root, revision, publishedAt, description } = Object.fromEntries(Object.entries(value));
  const texts = [name, root, description].every((text) => typeof text === 'string');
  return texts && typeof revision === 'number' && typeof publishedAt === 'number';
}

/** Checks a tag's name. Throws `usage` or, where it is taken, `tag_exists`. */
export function checkNewTag(tags: readonly Tag[], name: string): void {
  if (!/^[A-Za-z0-9_.@+:-]+$/.test(name) || name === TRUNK || name === TRUNK_PREVIOUS)
    throw new Stratum0Error(
      'usage',
      `"${name}" cannot be a tag: use letters, digits and _ . @ + : - (and not ${TRUNK})`,
    );
  if (tags.some((tag) => tag.name === name))
    throw new Stratum0Error('tag_exists', `the tag "${name}" is already in use`);
}

/** The tags after a publish: trunk moves on, a named tag is added. */
export function advanceHistory(
  tags: readonly Tag[],
  newest: Omit<Tag, 'name' | 'description'>,
  named: Tag | null,
): Tag[] {
  const trunk = tags.find((tag) => tag.name === TRUNK);
  const kept = tags.filter((tag) => tag.name !== TRUNK && tag.name !== TRUNK_PREVIOUS);
  return [
    ...(named === null ? [] : [named]),
    { ...newest, name: TRUNK, description: 'the newest revision' },
    ...(trunk === undefined ? [] : [{ ...trunk, name: TRUNK_PREVIOUS, description: 'the revision before it' }]),
    ...kept,
  ];
}
