import { BlockList, isIP } from 'node:net';
import type { AccessDeclaration } from '../config/access.ts';
import { isLoopback } from './loopback.ts';

/**
 * Who is behind a connection: its other end, or, where that is a proxy that the site believes, the nearest address in
 * `X-Forwarded-For` that is none. What stands before that anybody can write.
 */
export function clientAddress(
  access: AccessDeclaration | null,
  peer: string,
  forwardedFor: string | undefined,
): string {
  const told = (forwardedFor ?? '').split(',').map((address) => address.trim());
  let address = peer;
  while (isProxy(access, address)) {
    const next = told.pop() ?? '';
    if (isIP(next) === 0) break;
    address = next;
  }
  return address;
}

/** What proxies tell of whom they ask for. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** Whether a request comes from this machine by itself: not through a proxy on it, which may let everybody in. */
export function isFromHere(address: string | null | undefined, headers: Readonly<Record<string, unknown>>): boolean {
  const isHere = isLoopback(address ?? '');
  return isHere && !FORWARDING.some((header) => headers[header] !== undefined);
}

const lists = new WeakMap<AccessDeclaration, BlockList>();

/** Whether an address is that of a proxy that the site believes. */
export function isProxy(access: AccessDeclaration | null, address: string | undefined): boolean {
  if (access === null || address === undefined) return false;
  // As a socket that takes both kinds has it.
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const family = isIP(plain);
  return family !== 0 && listOf(access).check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

function listOf(access: AccessDeclaration): BlockList {
  const known = lists.get(access);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const text of access.proxies) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  lists.set(access, list);
  return list;
}
