import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { World } from './world.js';

/** What an operator does with a copy of the store: it alone is put back, as it was. */
export function backUp(world: World): void {
  rmSync(world.path('backup'), { recursive: true, force: true });
  cpSync(world.path('store'), world.path('backup'), { recursive: true });
}

export function restore(world: World): void {
  rmSync(world.path('store'), { recursive: true, force: true });
  cpSync(world.path('backup'), world.path('store'), { recursive: true });
}

/** The names of what is stored of the keyset: each commit adds one. */
export function storedNames(world: World): string[] {
  const folder = world.path('store/api');
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String).sort() : [];
}

/** Changes the newest manifest behind everybody's back; `revision` names its file. */
export function editManifest(
  world: World,
  change: (manifest: Record<string, unknown>) => Record<string, unknown>,
): void {
  const folder = world.path('store/api/manifest');
  const newest = `${folder}/${readdirSync(folder).sort().at(-1)}`;
  const edited = change(JSON.parse(readFileSync(newest, 'utf8')) as Record<string, unknown>);
  writeFileSync(newest, JSON.stringify(edited));
  renameSync(newest, `${folder}/${String(edited['revision']).padStart(10, '0')}.json`);
}

/** The newest of what this host remembers. */
export function readRecord(world: World): { revision: number; lineage: string; retired: { kid: string }[] } {
  return JSON.parse(readFileSync(newestRecord(world), 'utf8'));
}

export function newestRecord(world: World): string {
  const folder = world.path('records/api');
  return `${folder}/${readdirSync(folder).sort().at(-1)}`;
}

/** Everything as jwtrot 0.1.0 left it: no lineage in the manifest, one record of fixed width beside each outlet, no other. */
export function asOfVersion010(world: World): void {
  let revision = 0;
  editManifest(world, ({ lineage: _, ...manifest }) => {
    revision = Number(manifest['revision']);
    return manifest;
  });
  rmSync(world.path('records'), { recursive: true });
  for (const outlet of ['public/.jwks.json', 'private/.api.jwk']) {
    rmSync(world.path(`${outlet}.jwtrot-lock`), { force: true });
    const mark = JSON.stringify({ schema: 1, keyset: 'api', revision });
    writeFileSync(world.path(`${outlet}.jwtrot`), `${mark.padEnd(255)}\n`, { mode: 0o600 });
  }
}
