import type { Builder } from '@icefall/shared';
import type { JSX } from 'preact';
import { forcing } from '../../ui/actions.ts';
import { DeedButton } from '../../ui/deed-button.tsx';

/** Opens the builder's forms; says why where there are none. */
export function ForceButton({ builder }: { builder: Builder }): JSX.Element {
  return (
    <DeedButton
      deed="force"
      scope={[builder.name]}
      unable={builder.forceSchedulers.length === 0 ? 'No force scheduler offers this builder.' : null}
      class="force"
      title={`Force a build of ${builder.name}`}
      aria-label={`Force ${builder.name}`}
      onClick={() => {
        forcing.value = { builder: builder.name, scheduler: null };
      }}
    >
      Force
    </DeedButton>
  );
}
