import { DeliverPlace, PublishPlace } from './outlet.js';
import { HostOutlets } from './outlets.js';
import type { World } from './world.js';

/** The outlets of one host. @param main those of the first host */
export function makeOutlets(world: World, name: string, main: HostOutlets | null): HostOutlets {
  const { shape } = world;
  const publish = shape.publish.map((one, i) => {
    const label = `/srv/${name}/jwks-${i}.json`;
    const url = one.url ? `https://${name}.example/jwks` : null;
    const common = { format: 'jwks', url } as const;
    const command = { argv: [label], env: [] };
    return new PublishPlace(
      world,
      one.kind === 'file'
        ? { ...common, type: 'file', path: label, mode: 0o644, allowShared: false }
        : ({ ...common, type: 'command', command, timeout: 20_000 } as never),
      label,
      {
        tmpfs: one.tmpfs,
        heedsRevision: one.heedsRevision,
        unlisted: main === null && shape.policy.unlistedVerifiers,
      },
    );
  });
  for (const place of publish) if (place.options.unlisted) world.tokens.addUnlisted(place);
  const path = `/run/${name}/api.jwk`;
  const deliver = { path, format: 'jwk', mode: 0o440, owner: null, group: null, allowDisk: false } as const;
  // A keyset that is bound to no host has the same commands on both.
  const shared = !shape.deliver && shape.publish.every((one) => one.kind === 'command') ? main : null;
  return new HostOutlets(world, shared?.publish ?? publish, shape.deliver ? [new DeliverPlace(deliver, path)] : []);
}
