import { dirname, normalize, relative } from 'node:path';
import type { StoreChoice, WrapChoice } from './configuration.js';
import type { FieldPath } from './problem.js';
import { isMap, type RawMap } from './schema/fields.js';

/** Two settings that are valid alone and wrong together. */
export interface Conflict {
  /** The later of the two. */
  readonly path: FieldPath;
  readonly message: string;
}

export interface Places {
  /** The configuration file itself. */
  readonly source: string;
  /** Null when the setting itself is invalid. */
  readonly store: StoreChoice | null;
  readonly wrap: WrapChoice | null;
}

/** @param value the unchecked document: conflicts are reported even where it has other mistakes */
export function conflicts(value: unknown, { source, store, wrap }: Places): Conflict[] {
  const found: Conflict[] = [];
  const storePath = store?.type === 'directory' ? store.path : null;
  const kek = wrap?.type === 'local' && 'file' in wrap.kek ? wrap.kek.file : null;
  if (storePath !== null && kek !== null && isWithin(storePath, kek)) {
    const isGiven = isMap(value) && value['wrap'] !== undefined;
    found.push({
      path: isGiven ? ['wrap', 'kek', 'file'] : ['store', 'path'],
      message: `the KEK ${kek} must not lie in the store's directory ${storePath}: a backup of one would hold both; set wrap: { type: local, kek: { file: /another/path } }`,
    });
  }
  const writtenBy = new Map<string, string>([[normalize(source), 'the configuration itself']]);
  if (kek !== null) writtenBy.set(kek, 'the KEK');
  return [...found, ...sharedPlaces(value, storePath, writtenBy), ...selfProof(value), ...deliveredOnly(value)];
}

/** @param writtenBy who else writes a file or directory; the outlets are added */
function sharedPlaces(value: unknown, storePath: string | null, writtenBy: Map<string, string>): Conflict[] {
  const found: Conflict[] = [];
  const directories = new Set<string>();
  for (const { path, name, kind, place } of outletPlaces(value)) {
    const files = [...writtenBy.keys()].filter((file) => !directories.has(file));
    const held = kind === 'directory' ? files.find((file) => dirname(file) === place) : undefined;
    const around = kind === 'file' && directories.has(dirname(place)) ? dirname(place) : undefined;
    const other = writtenBy.has(place) ? place : (held ?? around);
    if (other !== undefined) {
      const where = other === place ? '' : ` ${other === held ? 'holds' : 'lies in'} ${other}, which`;
      const who = writtenBy.get(other) ?? '';
      found.push({ path, message: `${place}${where} is ${who}; each outlet needs a ${kind} of its own` });
    } else if (storePath !== null && isWithin(storePath, place)) {
      found.push({ path, message: `${place} must not lie in the store's directory ${storePath}` });
    } else {
      writtenBy.set(place, `already written by ${name}`);
      if (kind === 'directory') directories.add(place);
    }
  }
  return found;
}

interface OutletPlace {
  readonly path: FieldPath;
  readonly name: string;
  readonly kind: 'file' | 'directory';
  readonly place: string;
}

function outletPlaces(value: unknown): OutletPlace[] {
  return keysets(value).flatMap(([keyset, map]) =>
    ['publish', 'deliver'].flatMap((list) =>
      items(map[list]).flatMap(([index, outlet]) => {
        const kind = list === 'publish' && outlet['file'] === undefined ? 'directory' : 'file';
        const place = outlet[kind];
        if (typeof place !== 'string') return [];
        const path = ['keysets', keyset, list, index, kind];
        return [{ path, name: `keysets.${keyset}.${list}[${index}]`, kind, place: withoutEndSlash(place) }];
      }),
    ),
  );
}

function withoutEndSlash(path: string): string {
  return normalize(path).replace(/(?<=.)\/$/, '');
}

/** A URL that serves jwtrot's own file proves publication; it doesn't prove that a verifier accepts the key. */
function selfProof(value: unknown): Conflict[] {
  return keysets(value).flatMap(([keyset, map]) => {
    const readBack = new Set(items(map['publish']).map(([, outlet]) => outlet['url']));
    return items(map['services']).flatMap(([index, { health }]) => {
      if (!isMap(health) || health['type'] !== 'jwks' || typeof health['url'] !== 'string') return [];
      if (!readBack.has(health['url'])) return [];
      const message =
        'this URL is read back by publish: it shows what was published, not what the verifier accepts; ask the verifier itself, or leave health out';
      return [{ path: ['keysets', keyset, 'services', index, 'health', 'url'], message }];
    });
  });
}

/**
 * A delivered file holds the active key alone. Nobody can tell from a configuration who reads it; where every signer says
 * that it holds the pending key, one of them can't.
 */
function deliveredOnly(value: unknown): Conflict[] {
  return keysets(value).flatMap(([keyset, map]) => {
    const signers = items(map['services']).filter(([, { role }]) => role === 'signer' || role === 'both');
    const isPreloading = ({ health }: RawMap) => isMap(health) && health['preloaded'] !== undefined;
    if (items(map['deliver']).length === 0 || !signers.every(([, one]) => isPreloading(one))) return [];
    const message =
      'every signer of this keyset has preloaded, but deliver hands over the active key alone: who reads that file never holds the pending key. Leave preloaded out; or drop deliver where all signers read the store; or list the signer that reads the file, without preloaded';
    return signers.map(([i]) => ({ path: ['keysets', keyset, 'services', i, 'health', 'preloaded'], message }));
  });
}

function keysets(value: unknown): [string, Readonly<Record<string, unknown>>][] {
  const all = isMap(value) && isMap(value['keysets']) ? Object.entries(value['keysets']) : [];
  return all.flatMap(([name, map]) => (isMap(map) ? [[name, map]] : []));
}

function items(value: unknown): [number, Readonly<Record<string, unknown>>][] {
  const all: [number, unknown][] = Array.isArray(value) ? [...value.entries()] : [];
  return all.flatMap(([index, item]) => (isMap(item) ? [[index, item]] : []));
}

function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way !== '..' && !way.startsWith('../'));
}
