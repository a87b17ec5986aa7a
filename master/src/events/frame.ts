/**
 * One event of a server-sent stream (HTML standard, section 9.2.5 "Parsing an event stream"). `data` is JSON, which has
 * no line breaks of its own.
 */
export function sseFrame(event: { readonly id?: number; readonly name: string; readonly data: string }): Buffer {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`;
  return Buffer.from(`${id}event: ${event.name}\ndata: ${event.data}\n\n`);
}
