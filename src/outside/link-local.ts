import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/*
 * At these addresses clouds give credentials to any caller, and a host's neighbours are reachable. A list of instances
 * from a program or a name server must not direct a request with a secret there.
 */

const NEAR = new BlockList();
NEAR.addSubnet('169.254.0.0', 16, 'ipv4'); // RFC 3927; 169.254.169.254 is the metadata service of most clouds
NEAR.addSubnet('fe80::', 10, 'ipv6'); // RFC 4291 section 2.5.6
NEAR.addAddress('fd00:ec2::254', 'ipv6'); // the metadata service of EC2
NEAR.addAddress('100.100.100.200', 'ipv4'); // the metadata service of Alibaba Cloud

/** @param address an IP address, which may have a zone (`fe80::1%eth0`) or be IPv4-mapped */
export function isLinkLocal(address: string): boolean {
  const bare = address.replace(/%.*$/, '');
  const family = isIP(bare);
  return family !== 0 && NEAR.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

class LinkLocalError extends Error {
  constructor(address: string) {
    super(`${address} is a link-local or metadata address: no request with a secret goes there`);
  }
}

/** Like dns.lookup, but fails when any of a name's addresses is link-local: the caller can't choose which one is used. */
export const lookupElsewhere: LookupFunction = (host, options, done) => {
  resolve(host, { ...options, all: true }, (error, found) => {
    if (error !== null) return done(error, '', 0);
    const near = found.find(({ address }) => isLinkLocal(address));
    if (near !== undefined) return done(new LinkLocalError(near.address), '', 0);
    if (options.all === true) return done(null, found);
    const [first] = found;
    return done(null, first?.address ?? '', first?.family ?? 0);
  });
};
