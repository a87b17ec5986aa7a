import { z } from 'zod';
import type { ApiClient } from './api-client.ts';
import { apiPath } from './paths.ts';

/** Names that a list was asked for by. */
interface Asked {
  readonly builder?: string | undefined;
  readonly worker?: string | undefined;
}

/** A list by name is empty: because nothing is in it, or because nobody has that name, which is then told. */
export async function refuseUnknown(client: ApiClient, { builder, worker }: Asked): Promise<void> {
  if (builder !== undefined) await client.get(apiPath(['builders', builder]), z.unknown());
  if (worker !== undefined) await client.get(apiPath(['workers', worker]), z.unknown());
}
