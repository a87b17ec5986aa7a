import { isIP } from 'node:net';

/** Groups of four hexadecimal digits that name a network of IPv6: what one customer is given at least (RFC 6177). */
const NETWORK_GROUPS = 4;

/**
 * Whom a limit of one address counts: an address of IPv4, or, as whoever has one address of IPv6 has 2^64 of them, the
 * network that it is of.
 */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = (plain.split('%', 1)[0] ?? '').split('::');
  const groups = head.split(':').filter((group) => group !== '');
  // What `::` leaves out are zeros; an address of IPv4 at the end stands for two groups.
  const ending = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - groups.length - ending.length - (ending.at(-1)?.includes('.') === true ? 1 : 0);
  const all = tail === undefined ? groups : [...groups, ...Array.from({ length: missing }, () => '0'), ...ending];
  const network = all.slice(0, NETWORK_GROUPS).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
