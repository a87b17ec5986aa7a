import { signal } from '@preact/signals';

/** How lines are shown, in every log until the page is left. Times: of day, since the first line, since the line before. */
export const settings = {
  wrap: signal(false),
  times: signal<'off' | 'clock' | 'since' | 'delta'>('off'),
};
