import { DeliverPlace } from './deliver-place.js';
import { PublishPlace } from './outlet.js';
import { HostOutlets } from './outlets.js';
import type { World } from './world.js';

/** The outlets of one host. @param main those of the first host */
export function makeOutlets(world: World, name: string, main: HostOutlets | null): HostOutlets {
  const { shape } = world;
  const publish = shape.publish.map((one, i) => {
    const label = `/srv/${name}/jwks-${i}.json`;
    const url = one.url ? `https://${name}.example/jwks` : null;
    const file = { path: label, mode: 0o644, allowShared: false };
    const command = { argv: [label], env: [] };
    const outlets = {
      file: { ...file, type: 'file', format: 'jwks', url },
      directory: { ...file, type: 'directory', format: 'pem-files', url: null },
      command: { type: 'command', format: 'jwks', url, command: command as never, timeout: 20_000 },
    } as const;
    return new PublishPlace(world, outlets[one.kind], label, {
      tmpfs: one.tmpfs,
      heedsRevision: one.heedsRevision,
      unlisted: main === null && shape.policy.unlistedVerifiers,
    });
  });
  for (const place of publish) if (place.options.unlisted) world.tokens.addUnlisted(place);
  const path = `/run/${name}/api.jwk`;
  const argv: [string] = [path];
  const command = { argv, env: [] };
  const byCommand = { type: 'command', command, holds: command, format: 'jwk', timeout: 20_000 } as const;
  const toFile = {
    type: 'file',
    path,
    format: 'jwk',
    mode: 0o440,
    owner: null,
    group: null,
    allowDisk: false,
  } as const;
  const deliver = shape.deliver === 'command' ? byCommand : toFile;
  // A keyset that is bound to no host has the same commands on both.
  const shared = !shape.deliver && shape.publish.every((one) => one.kind === 'command') ? main : null;
  return new HostOutlets(world, shared?.publish ?? publish, shape.deliver ? [new DeliverPlace(deliver, path)] : []);
}
