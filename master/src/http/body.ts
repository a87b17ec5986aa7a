import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './errors.ts';

/** Bodies of the API: forms and reasons. A route that needs more says so. */
export const MOST_BODY_BYTES = 1024 * 1024;
/** A change with a hundred thousand files of usual names. */
export const MOST_CHANGE_BYTES = 16 * 1024 * 1024;
/** Nothing of ours is nested deeper; what is would overflow the stack of whoever walks it. */
const MOST_NESTING = 100;

/** Bodies are JSON and nothing else; none at all is an empty object. */
export function takeJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text.trim() === '') return done(null, {});
    if (nestingOf(text) > MOST_NESTING)
      return done(new HttpProblem('bad_json', `the body is nested deeper than ${MOST_NESTING} levels`));
    void parse(request, text, (error: Error | null, value?: unknown) =>
      done(error === null ? null : new HttpProblem('bad_json', `the body is no JSON: ${error.message}`), value),
    );
  });
}

/** How deep the brackets of a JSON text go. Those in strings do not count. Looks at each character once, whatever they are. */
function nestingOf(text: string): number {
  let depth = 0;
  let most = 0;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') isString = !isString;
    else if (isString && character === '\\') at += 1;
    else if (!isString && (character === '[' || character === '{')) most = Math.max(most, ++depth);
    else if (!isString && (character === ']' || character === '}')) depth -= 1;
  }
  return most;
}
