import type { Manifest } from '../../src/keyset/manifest/model.js';
import { isPublished } from '../../src/keyset/manifest/states.js';
import { outletContent } from '../../src/keyset/published/jwk-set.js';
import { activeKey } from '../../src/keyset/questions/keys.js';
import { short } from './keys.js';
import { type PublishPlace, sameKids, wantedKids } from './outlet.js';
import type { World } from './world.js';

/** I7: everything that is still wrong once nothing disturbs any more. */
export function unsettled(world: World): string[] {
  const { manifest } = world.store;
  if (manifest === null) return ['there is no keyset'];
  // After `retire --no-replacement`, and beside keys imported only to verify, the next key is published ahead like any
  // other. No key signs until then.
  const isKeyless = activeKey(manifest) === null && (world.checks.mayBeKeyless || !world.checks.everActive);
  const isAhead = isKeyless && manifest.rollout?.phase === 'ahead';
  if (isAhead) return [];
  return [
    ...inManifest(world, manifest),
    ...inOutlets(world, manifest),
    ...inServices(world, manifest),
    ...inStore(world, manifest),
  ];
}

/** Its private half is kept for the last look at verifiers that are shown canaries. */
function isKept(world: World, { retirements }: Manifest, kid: string): boolean {
  return world.policy.dropsByCanary === true && retirements.some((one) => one.kid === kid);
}

function inManifest(world: World, manifest: Manifest): string[] {
  const now = world.hosts[0].now();
  const found: string[] = [];
  if (activeKey(manifest) === null) found.push('no key is active');
  if (manifest.lease !== null) found.push('a lease is held');
  if (manifest.rollout !== null && manifest.rollout.phase !== 'ahead')
    found.push(`a rollout stands at ${manifest.rollout.phase}`);
  if (manifest.refresh !== null) found.push('a refresh is owed');
  for (const key of manifest.keys) {
    const name = `${short(key.kid)} (${key.state})`;
    if (key.state === 'creating') found.push(name);
    if (key.state === 'pending' && manifest.rollout?.kid !== key.kid) found.push(`${name} without a rollout`);
    // If an earlier reload was under way at the switch, a later run starts the clock of the former key.
    const mayWait = manifest.rollout === null && now - (activeKey(manifest)?.activatedAt ?? 0) < 600_000;
    if (key.state === 'deprecated' && key.signedUntil === null && !mayWait) found.push(`${name} has no signedUntil`);
    if (key.state === 'retired' && key.droppedAt === null) found.push(`${name} is not dropped`);
    const isOver = key.state === 'retired' && !isKept(world, manifest, key.kid);
    if (isOver && key.hasPrivate && key.goneAt === null) found.push(`${name} is not deleted`);
  }
  if (manifest.retirements.some((one) => one.checkAgainAt === null)) found.push('a retirement is open');
  return found;
}

function inOutlets(world: World, manifest: Manifest): string[] {
  const content = outletContent(manifest);
  const [outlets] = world.outlets;
  const holds = ({ content: { kids }, outlet }: PublishPlace) => sameKids(kids, wantedKids(content, outlet) ?? []);
  return [
    ...outlets.publish.filter((place) => !holds(place)).map((place) => `${place.label} differs`),
    ...outlets.deliver.filter((place) => place.kid !== content.active?.kid).map((place) => `${place.label} differs`),
  ];
}

function inServices(world: World, manifest: Manifest): string[] {
  const active = activeKey(manifest)?.kid ?? '';
  const accepted = manifest.keys.filter((key) => isPublished(key.state) && key.state !== 'pending');
  return world.services.flatMap((service) =>
    service.shape.service.health === null
      ? []
      : service.workers.flatMap((worker) => {
          const found: string[] = [];
          if (service.signs && worker.kid !== active) found.push(`${worker.name} signs with ${short(worker.kid)}`);
          const missing = accepted.find((key) => !worker.view.kids.includes(key.kid));
          if (service.verifiesFrom !== null && missing !== undefined)
            found.push(`${worker.name} does not accept ${short(missing.kid)}`);
          return found;
        }),
  );
}

function inStore(world: World, manifest: Manifest): string[] {
  const states = new Map(manifest.keys.map((key) => [key.thumbprint, key.state]));
  return [...world.store.secrets].flatMap(([thumbprint, { goneAt, isStray }]) => {
    if (isStray) return [];
    const state = states.get(thumbprint);
    const key = manifest.keys.find((one) => one.thumbprint === thumbprint);
    if (key !== undefined && isKept(world, manifest, key.kid)) return [];
    const right = state !== undefined && (isPublished(state) ? goneAt === null : goneAt !== null);
    return right
      ? []
      : [`the secret of ${short(thumbprint)} (${state ?? 'unknown'}) is ${goneAt === null ? '' : 'being '}kept`];
  });
}
