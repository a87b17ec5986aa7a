/**
 * Files travel over plain HTTP beside the WebSocket, on the master's worker port, with the same bearer token:
 * a worker running an `upload` command PUTs the file (or a tar stream of the directory), a `download` command GETs it.
 * Both are repeated by the worker until they succeed or the command's own limits end it.
 */
export const WORKER_SOCKET_PATH = '/worker';
/** `PUT` or `GET`, with `?epoch=N`. */
export function transferPath(commandId: number): string {
  return `/transfers/${commandId}`;
}
/** Permission bits of a file in octal, both ways. */
export const FILE_MODE_HEADER = 'x-icefall-mode';
/** Names the worker in the request that opens the socket and in transfers; the token is `Authorization: Bearer`. */
export const WORKER_NAME_HEADER = 'x-icefall-worker';
