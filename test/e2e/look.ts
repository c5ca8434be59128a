import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Site, StatusDocument } from './fixtures.js';
import type { World } from './world.js';

/** What `status` says of the one keyset. */
export async function statusOf({ world }: Site): Promise<StatusDocument['keysets'][number]> {
  const { document } = await world.json<StatusDocument>(['status']);
  return document.keysets[0]!;
}

/** `{ v1: 'deprecated', v2: 'active' }` */
export async function statesOf(site: Site): Promise<Record<string, string>> {
  return Object.fromEntries((await statusOf(site)).keys.map((key) => [`v${key.version}`, key.state]));
}

interface StoredKey {
  readonly kid: string;
  readonly version: number;
  readonly state: string;
}

/** From the store itself, which costs no start of the command; null where it is no directory. */
export function storedKeys(world: World, store = 'store'): readonly StoredKey[] | null {
  const folder = world.path(`${store}/api/manifest`);
  const newest = existsSync(folder) ? readdirSync(folder).sort().at(-1) : undefined;
  return newest === undefined ? null : JSON.parse(readFileSync(`${folder}/${newest}`, 'utf8')).keys;
}

export async function kidOf(site: Site, version: number): Promise<string> {
  const keys = storedKeys(site.world) ?? (await statusOf(site)).keys;
  return keys.find((key) => key.version === version)!.kid;
}

export function publishedKids({ world }: Site): string[] {
  return world.readJson('public/jwks.json').keys.map((key) => key.kid);
}

export function deliveredKid({ world }: Site): string {
  return world.readJson<{ kid: string }>('private/api.jwk').kid;
}

/** What the issuer itself reports. */
export async function signsWith({ issuer }: Site): Promise<unknown> {
  return (await issuer.get('/healthz')).body['kid'];
}
