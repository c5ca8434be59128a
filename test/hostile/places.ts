import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Paths, Site } from './site.js';

export type OutletName = keyof ReturnType<Site['published']>;

/** Where a thing is put, and what it may do harm to. */
export interface Place {
  readonly name: string;
  /**
   * `alone`: all goes on without it. `ground`: without it nothing can be known, and the answer is a refusal.
   */
  readonly kind: 'alone' | 'ground';
  readonly path: (paths: Paths) => string;
  /** Outlets that may go on holding the key; all others must not. */
  readonly sick: readonly OutletName[];
  /** One of these names it to the operator. */
  readonly names: (paths: Paths) => readonly string[];
  /** The thing without which nothing goes on here, as for `ground`. */
  readonly refusedFor?: string;
  /** The key is found by its file. */
  readonly byFile?: true;
}

/** The last of those that are numbered. */
function newestIn(folder: string): string {
  return join(folder, readdirSync(folder).sort().at(-1) ?? 'none');
}

/** A kid of jwtrot's own is the key's thumbprint. */
function kidIn(file: string): string {
  return JSON.parse(readFileSync(file, 'utf8')).kid;
}

const besides = (path: string, end: string) => path.replace(/([^/]+)$/, `.$1.${end}`);
const lockOf = ({ state, strangers }: Paths) =>
  join(state, 'outlets', `${createHash('sha256').update(strangers).digest('hex').slice(0, 16)}.lock`);

function outlet(name: string, sick: OutletName, labels: (paths: Paths) => string[], path: Place['path']): Place {
  return { name, kind: 'alone', path, sick: [sick], names: labels };
}
const own = ({ jwks }: Paths) => [jwks, dirname(jwks)];
const strangers = (paths: Paths) => [paths.strangers, dirname(paths.strangers)];
const pems = (paths: Paths) => [paths.pems];
const command = () => ['command publish'];

function service(name: string, label: string, path: Place['path']): Place {
  return { name, kind: 'alone', path, sick: [], names: () => [label] };
}

function ground(name: string, path: Place['path'], names: Place['names']): Place {
  return { name, kind: 'ground', path, sick: ['own', 'strangers', 'pems', 'command', 'delivered'], names };
}

/** Of each file that jwtrot reads or writes, one. */
export const PLACES: readonly Place[] = [
  outlet('outlet', 'own', own, ({ jwks }) => jwks),
  outlet('its record', 'own', own, ({ jwks }) => besides(jwks, 'jwtrot')),
  outlet('its lock', 'own', own, ({ jwks }) => besides(jwks, 'jwtrot-lock')),
  outlet('its directory', 'own', own, ({ jwks }) => dirname(jwks)),
  outlet("stranger's outlet", 'strangers', strangers, (paths) => paths.strangers),
  outlet("stranger's directory", 'strangers', strangers, (paths) => dirname(paths.strangers)),
  outlet('its lock in the state', 'strangers', strangers, lockOf),
  outlet('directory of keys', 'pems', pems, (paths) => paths.pems),
  outlet('leaked key in it', 'pems', pems, (paths) => join(paths.pems, `${kidIn(paths.leaked)}.pem`)),
  outlet('other name in it', 'pems', pems, (paths) => join(paths.pems, 'other.pem')),
  outlet("directory's record", 'pems', pems, (paths) => join(paths.pems, '.pem.jwtrot')),
  outlet("directory's lock", 'pems', pems, (paths) => join(paths.pems, '.pem.jwtrot-lock')),
  outlet(
    'delivered key',
    'delivered',
    ({ key }) => [key],
    ({ key }) => key,
  ),
  outlet('command', 'command', command, ({ publish }) => publish),
  outlet("command's record", 'command', command, ({ state }) => {
    const folder = join(state, 'outlets');
    return join(folder, readdirSync(folder).find((entry) => entry.endsWith('.given')) ?? 'none');
  }),
  {
    name: 'KEK',
    kind: 'alone',
    path: ({ kek }) => kek,
    // The former key signs again, and can't be delivered.
    sick: ['delivered'],
    names: ({ kek }) => [kek],
  },
  {
    name: "key's secret",
    kind: 'alone',
    path: ({ store, leaked }) => join(store, 'api/keys', `${kidIn(leaked)}.json`),
    sick: [],
    names: ({ store }) => [store],
  },
  {
    name: 'state record',
    kind: 'alone',
    path: ({ state }) => newestIn(join(state, 'records/api')),
    sick: [],
    names: ({ state }) => [join(state, 'records')],
  },
  {
    name: 'state record that none can follow',
    kind: 'alone',
    path: ({ state }) => join(state, 'records/api/9999999999.json'),
    sick: [],
    names: ({ state }) => [join(state, 'records')],
  },
  {
    name: 'state records',
    kind: 'alone',
    path: ({ state }) => join(state, 'records'),
    sick: [],
    names: ({ state }) => [join(state, 'records')],
  },
  service('header file', 'edge', ({ header }) => header),
  service('CA file', 'edge', ({ ca }) => ca),
  service('pid file', 'gateway', ({ pid }) => pid),
  service('list of instances', 'edge', ({ list }) => list),
  ground(
    'configuration',
    ({ config }) => config,
    ({ config }) => [config],
  ),
  {
    name: 'newest revision',
    kind: 'alone',
    path: ({ store }) => newestIn(join(store, 'api/manifest')),
    sick: [],
    names: ({ store }) => [newestIn(join(store, 'api/manifest'))],
  },
  {
    name: 'revision that none can follow',
    kind: 'alone',
    path: ({ store }) => join(store, 'api/manifest/9999999999.json'),
    sick: [],
    names: ({ store }) => [join(store, 'api/manifest/9999999999.json')],
  },
  {
    name: "manifest's directory",
    kind: 'alone',
    path: ({ store }) => join(store, 'api/manifest'),
    sick: [],
    // What hangs, or lost a keyset, is the store.
    names: ({ store }) => [store],
  },
  {
    name: 'store',
    kind: 'alone',
    path: ({ store }) => store,
    sick: [],
    names: ({ store }) => [store],
    // Its user alone works on it: the hint has the command.
    refusedFor: 'foreign',
  },
  {
    ...ground(
      'leaked key',
      ({ leaked }) => leaked,
      ({ leaked }) => [leaked],
    ),
    byFile: true,
  },
];
