// Embeddings, overrides and isolates of the direction of writing: they make text look like other text.
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;
const SHOWN = '\ufffd';

/** The value of a JSON text, with characters that turn the direction of writing shown instead of obeyed. */
export function parseJson(text: string): unknown {
  return JSON.parse(text.replace(DIRECTIONS, SHOWN));
}
