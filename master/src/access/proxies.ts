import { BlockList, isIP } from 'node:net';
import type { AccessDeclaration } from '../config/access.ts';

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
