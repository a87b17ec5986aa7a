import type { ComponentChildren, JSX } from 'preact';
import { type Deed, refusalOf, type Scope } from '../views/access/rights.ts';
import { tell } from './actions.ts';

/** Attributes of a button that a deed's button hands on. */
interface Plain {
  readonly class?: string;
  readonly title?: string;
  readonly 'aria-label'?: string;
  readonly 'data-action'?: string;
  readonly onClick: () => void;
}

/**
 * A button for what not everybody may do, or not now. Where it is refused it stays in its place and says why: on hover,
 * to screen readers, and when it is pressed all the same, for phones have no hover.
 */
export function DeedButton({
  deed,
  scope,
  unable = null,
  children,
  ...plain
}: Plain & {
  readonly deed: Deed;
  readonly scope: Scope;
  /** Why nobody can do it now; null: somebody can. */
  readonly unable?: string | null;
  readonly children: ComponentChildren;
}): JSX.Element {
  const refusal = unable ?? refusalOf(deed, scope);
  if (refusal === null)
    return (
      <button type="button" {...plain}>
        {children}
      </button>
    );
  return (
    <button
      type="button"
      {...plain}
      aria-disabled="true"
      title={refusal}
      aria-description={refusal}
      data-refused={deed}
      onClick={() => tell(refusal, { bad: true })}
    >
      {children}
    </button>
  );
}
