/** Whether a value names the variable as `{ env: NAME }`, at any depth. */
export function namesVariable(value: unknown, variable: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, part]) =>
    key === 'env' && typeof part === 'string' ? part === variable : namesVariable(part, variable),
  );
}
