/** A value that survives JSON unchanged: what properties, messages and stored specifications are made of. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };
