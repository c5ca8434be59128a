import { dirname, join } from 'node:path';
import type { Configuration, KeysetConfiguration } from '../../config/configuration.js';
import { SYSTEM_CONFIG } from '../../config/find.js';
import { NOTHING_ASKED } from '../../keyset/action.js';
import { type Duration, MINUTE } from '../../keyset/clock.js';
import { runLimit } from '../../rollout/limit.js';
import type { Service } from '../../services/service.js';
import { type Permission, permissionsOf, unitsOf } from './permissions.js';

export const STATE_DIRECTORY = '/var/lib/jwtrot';
export const ACCOUNT = 'jwtrot';

/** What of a configuration decides how jwtrot is installed. */
export interface SetupFacts {
  readonly source: string;
  /** True for /etc/jwtrot/jwtrot.yaml, which is found by itself. */
  readonly isDefaultSource: boolean;
  /** What the polkit rule must allow. */
  readonly permissions: readonly Permission[];
  /** Services that must find their keys when they start. */
  readonly units: readonly string[];
  /** Directories of outlets. */
  readonly outlets: readonly string[];
  /** Directories of a local store or its KEK outside of the state directory. */
  readonly state: readonly string[];
  /** Groups that keys are delivered to. */
  readonly groups: readonly string[];
  /** The KEK is this systemd credential. */
  readonly credential: string | null;
  /** The KEK is this file, which the unit may not make itself. */
  readonly kekFile: string | null;
  /** Longer than all deadlines of a run. */
  readonly timeLimit: Duration;
  /** What this user or this sandbox can't do, with what to do instead. */
  readonly notes: readonly string[];
}

export function setupFacts(configuration: Configuration, source: string): SetupFacts {
  const { wrap, keysets } = configuration;
  const services = keysets.flatMap((keyset) => keyset.services);
  const deliver = keysets.flatMap((keyset) => keyset.deliver);
  const files = keysets.flatMap((keyset) =>
    keyset.publish.flatMap((outlet) => ('path' in outlet ? [outlet.path] : [])),
  );
  const { permissions, unnamed } = permissionsOf(services);
  const kek = wrap.type === 'local' ? wrap.kek : null;
  const kekFile = kek !== null && 'file' in kek && !isState(kek.file) ? kek.file : null;
  return {
    source,
    isDefaultSource: source === SYSTEM_CONFIG,
    permissions,
    units: unitsOf(services),
    outlets: unique([...files, ...deliver.map((outlet) => outlet.path)].map((path) => dirname(path))),
    state: stateOf(configuration),
    groups: unique(deliver.flatMap(({ group }) => (group === null ? [] : [String(group)]))),
    credential: kek !== null && 'credential' in kek ? kek.credential : null,
    kekFile,
    timeLimit: keysets.reduce((sum, keyset) => sum + timeLimit(keyset), MINUTE),
    notes: [...unnamed, ...services.flatMap(serviceNotes), ...deliver.flatMap(deliverNotes)],
  };
}

function timeLimit({ policy, services, publish }: KeysetConfiguration): Duration {
  const listed = services.map((service) => ({ service }));
  return runLimit({ policy, services: listed, outlets: { publish } }, NOTHING_ASKED);
}

/** The store, and where records of command outlets lie beside it. */
function stateOf({ store, keysets }: Configuration): string[] {
  if (store.type !== 'directory' || isState(store.path)) return [];
  const records = keysets.some((keyset) => keyset.publish.some((outlet) => outlet.type === 'command'));
  return [store.path, ...(records ? [join(dirname(store.path), 'outlets')] : [])];
}

function isState(path: string): boolean {
  return path.startsWith(`${STATE_DIRECTORY}/`);
}

function serviceNotes({ name, reload }: Service): string[] {
  if (reload.type !== 'signal') return [];
  return [
    `service ${name} is reloaded by a signal, which user ${ACCOUNT} may send to its own processes alone: use reload: { systemd: UNIT }`,
  ];
}

function deliverNotes({ path, owner }: KeysetConfiguration['deliver'][number]): string[] {
  if (owner === null || owner === ACCOUNT) return [];
  return [`${path} is to belong to ${owner}, which needs CAP_CHOWN: use group: and mode: "0440" instead of owner:`];
}

export function unique(all: readonly string[]): string[] {
  return [...new Set(all)].sort();
}
