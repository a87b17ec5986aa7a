import type { Commit, Json, Properties, SendChange } from '@icefall/shared';
import { propertiesFrom } from '../requests/buildsets.ts';

/** A push as a source of change tells it, before it has a number. One push is one change with all its commits. */
export interface NewChange {
  readonly repository: string;
  /** Null: the repository's default branch. A tag is `refs/tags/NAME`, so that it is never taken for a branch. */
  readonly branch: string | null;
  readonly revision: string | null;
  readonly author: string;
  readonly committer: string | null;
  readonly message: string;
  readonly files: readonly string[];
  /** Oldest first. */
  readonly commits: readonly Commit[];
  readonly codebase: string;
  readonly project: string;
  /** `tag` for a tag, else what the source of change was declared with. */
  readonly category: string | null;
  readonly link: string | null;
  readonly properties: Properties;
  /** `gitPoller:NAME`, `webhook:DIALECT`, or `sendchange`. */
  readonly source: string;
  /** The same id a second time makes no second change. */
  readonly deliveryId: string | null;
  /** When it was made; null: now. */
  readonly at: number | null;
}

/** A change that a program or hook sent. */
export function fromSendChange(sent: SendChange, source = 'sendchange'): NewChange {
  const { properties, deliveryId, at, ...rest } = sent;
  return {
    ...rest,
    properties: changeProperties(properties),
    source,
    deliveryId: deliveryId === undefined ? null : `${source}:${deliveryId}`,
    at: at ?? null,
  };
}

/** Properties that a change brings to its builds. */
export function changeProperties(values: Readonly<Record<string, Json>>): Properties {
  return propertiesFrom('Change', values);
}
