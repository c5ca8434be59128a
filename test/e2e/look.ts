import type { Site, StatusDocument } from './fixtures.js';

/** What `status` says of the one keyset. */
export async function statusOf({ world }: Site): Promise<StatusDocument['keysets'][number]> {
  const { document } = await world.json<StatusDocument>(['status']);
  return document.keysets[0]!;
}

/** `{ v1: 'deprecated', v2: 'active' }` */
export async function statesOf(site: Site): Promise<Record<string, string>> {
  return Object.fromEntries((await statusOf(site)).keys.map((key) => [`v${key.version}`, key.state]));
}

export async function kidOf(site: Site, version: number): Promise<string> {
  return (await statusOf(site)).keys.find((key) => key.version === version)!.kid;
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
