import { isIP } from 'node:net';

/** @param hostname as `URL` gives it: an IPv6 address in brackets. Other names may resolve to loopback, and don't count. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
