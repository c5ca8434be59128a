import { existsSync, readdirSync } from 'node:fs';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { Scenario } from './scenarios.js';
import type { Site } from './site.js';

const LISTED = new Set(['pending', 'active', 'deprecated']);

/** Everything that is not as it must be once a keyset is settled; empty when all is well. */
export async function unsettled(site: Site, leaves: Scenario['leaves'] = undefined): Promise<string[]> {
  const manifest = await site.manifest();
  if (manifest === null) return ['there is no manifest'];
  return [...standing(manifest, leaves), ...outlets(site, manifest), ...(await secrets(site, manifest))];
}

function standing({ keys, lease, rollout, refresh, backoff }: Manifest, leaves: Scenario['leaves']): string[] {
  const problems: string[] = [];
  const active = keys.filter((key) => key.state === 'active').length;
  if (active !== 1) problems.push(`${active} keys are active`);
  for (const key of keys) {
    const waits = key.state === 'pending' && leaves === 'pending' && rollout?.phase === 'ahead';
    if (key.state === 'creating' || (key.state === 'pending' && !waits))
      problems.push(`v${key.version} is ${key.state}`);
    if (key.state === 'retired' && key.goneAt === null) problems.push(`v${key.version} is retired, not deleted`);
  }
  if (lease !== null) problems.push(`there is a lease of ${lease.verb}`);
  if (rollout !== null && !(leaves === 'pending' && rollout.phase === 'ahead'))
    problems.push(`a rollout stands at ${rollout.phase}`);
  if (refresh !== null) problems.push('services are owed a reload');
  if (backoff !== null && leaves !== 'backoff') problems.push(`it backs off: ${backoff.because}`);
  return problems;
}

function outlets({ world, services }: Site, manifest: Manifest): string[] {
  const problems: string[] = [];
  const differ = (what: string, found: unknown, wanted: unknown) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      problems.push(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
    }
  };
  const listed = manifest.keys.filter((key) => LISTED.has(key.state)).map((key) => key.kid);
  const active = manifest.keys.find((key) => key.state === 'active')?.kid;
  const [jwks, key] = ['public/jwks.json', 'private/api.jwk'];
  const published = existsSync(world.path(jwks)) ? world.readJson(jwks).keys.map(({ kid }) => kid) : [];
  differ('the JWKS', published.sort(), listed.sort());
  const files = existsSync(world.path('public/keys')) ? readdirSync(world.path('public/keys')) : null;
  const named = files?.flatMap((name) => /^([^.].*)\.pem$/.exec(name)?.[1] ?? []);
  if (named !== undefined) differ('the directory', named.sort(), listed);
  differ('the delivered key', existsSync(world.path(key)) ? world.readJson<{ kid: string }>(key).kid : null, active);
  differ('the issuer signs with', services.signingKid, active);
  differ('the gateway accepts', services.acceptedKids.sort(), listed);
  return problems;
}

async function secrets(site: Site, manifest: Manifest): Promise<string[]> {
  const problems: string[] = [];
  const kept = await site.keeping.keys();
  for (const { thumbprint, deleted } of kept) {
    const key = manifest.keys.find((one) => one.thumbprint === thumbprint);
    const short = thumbprint.slice(0, 8);
    if (key === undefined) problems.push(`the secret ${short} is nobody's`);
    else if (deleted === LISTED.has(key.state)) {
      // A put that was in flight may have landed after the deletion: the manifest says that it is deleted again.
      if (deleted || key.deleteAgainAt === null)
        problems.push(`the secret of a ${key.state} key is ${deleted ? '' : 'not '}deleted`);
    }
  }
  for (const key of manifest.keys.filter((one) => LISTED.has(one.state))) {
    const there = kept.some((one) => one.thumbprint === key.thumbprint && !one.deleted);
    if (!there) problems.push(`the secret of v${key.version} (${key.state}) is missing`);
  }
  return [...problems, ...site.leftovers().map((name) => `${name} was left behind`)];
}
