import { isIP } from 'node:net';

/** Whether a host name or address is this machine's own: `localhost`, 127.0.0.0/8 (also as a socket of IPv6 has it), `::1`. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$|^::ffff:(?=127\.)/g, '');
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost');
}
