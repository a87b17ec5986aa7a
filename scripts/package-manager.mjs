/** What installs and audits dependencies; run by npx, so that nobody has to have it. */
export const PNPM = 'pnpm@12.21.0';
