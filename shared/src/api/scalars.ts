import { z } from 'zod';
import { RESULTS } from '../results.ts';

/**
 * What the resources of the REST API and of the event stream are made of. Each is defined once, for the master that makes
 * them, the page and the command line that show them, and the OpenAPI document.
 */

export const id = z.number().int().positive();
/** Milliseconds since the epoch. */
export const time = z.number();
export const result = z.enum(RESULTS);
