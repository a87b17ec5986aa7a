/** What is merged into an object that is there: of this kind and name, with these fields. */
export const patch = (apiVersion: string, kind: string, name: string, more: object) => ({
  apiVersion,
  kind,
  metadata: { name },
  ...more,
});
export const spec = (more: object) => ({ spec: more });
