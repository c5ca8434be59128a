import { dirname, join } from 'node:path';
import type { Configuration, KeysetConfiguration } from '../config/configuration.js';
import { SYSTEM_CONFIG } from '../config/find.js';
import { type Duration, MINUTE } from '../keyset/basics/clock.js';
import { NOTHING_ASKED } from '../keyset/planning/action.js';
import { type DeliverFile, outletFolders } from '../outlets/configured.js';
import { runLimit } from '../rollout/limit.js';
import type { Service } from '../services/service.js';
import { ACCOUNT } from './account.js';
import { STATE_DIRECTORY } from './paths.js';
import { type Permission, permissionsOf, reloadsOf, type UnitReload } from './permissions.js';
import type { Readers } from './readers.js';

/** The facts of a configuration that decide how to install jwtrot. */
export interface SetupFacts {
  readonly source: string;
  /** True for /etc/jwtrot/jwtrot.yaml, which jwtrot finds without being told. */
  readonly isDefaultSource: boolean;
  /** What the polkit rule must allow. */
  readonly permissions: readonly Permission[];
  /** Units that need their keys when they start. */
  readonly units: readonly string[];
  /** The units that jwtrot reloads, each with its action. */
  readonly reloads: readonly UnitReload[];
  /** The outlets' directories. */
  readonly outlets: readonly string[];
  /** Those that setup does not touch as root: others can write on the way to them. */
  readonly leftAlone: readonly string[];
  /** Directories of a local store outside the state directory. */
  readonly state: readonly string[];
  /** The groups that keys are delivered to. */
  readonly groups: readonly string[];
  /** Their names on this host. User jwtrot becomes a member. */
  readonly members: readonly string[];
  /** The systemd credential that is the KEK; null: another kind. */
  readonly credential: string | null;
  /** The file that is the KEK, if the unit may not create it itself; null otherwise. */
  readonly kekFile: string | null;
  /** Who may run `jwtrot status`; null: only user jwtrot and root. */
  readonly readers: Readers | null;
  /** Longer than all deadlines of a run, in milliseconds. */
  readonly timeLimit: Duration;
  /** What this user or sandbox can't do, each with an alternative. */
  readonly notes: readonly string[];
}

export function setupFacts(configuration: Configuration, source: string): SetupFacts {
  const { wrap, keysets } = configuration;
  const services = keysets.flatMap((keyset) => keyset.services);
  const deliver = keysets.flatMap((keyset) => keyset.deliver.flatMap((one) => (one.type === 'file' ? [one] : [])));
  const { permissions, unnamed } = permissionsOf(services);
  const reloads = reloadsOf(services);
  const kek = wrap.type === 'local' ? wrap.kek : null;
  const kekFile = kek !== null && 'file' in kek && !isState(kek.file) ? kek.file : null;
  return {
    source,
    isDefaultSource: source === SYSTEM_CONFIG,
    permissions,
    units: reloads.map(({ unit }) => unit),
    reloads,
    outlets: unique(keysets.flatMap(outletFolders)),
    leftAlone: [],
    state: stateOf(configuration),
    groups: unique(deliver.flatMap(({ group }) => (group === null ? [] : [String(group)]))),
    members: [],
    credential: kek !== null && 'credential' in kek ? kek.credential : null,
    kekFile,
    readers: null,
    timeLimit: keysets.reduce((sum, keyset) => sum + timeLimit(keyset), MINUTE),
    notes: [...unnamed, ...services.flatMap(serviceNotes), ...deliver.flatMap(deliverNotes)],
  };
}

function timeLimit({ policy, services, publish, deliver }: KeysetConfiguration): Duration {
  const listed = services.map((service) => ({ service }));
  return runLimit({ policy, services: listed, outlets: { publish, deliver } }, NOTHING_ASKED);
}

/** The store and the directories beside it: the host's own record, locks of outlets, records of commands. */
function stateOf({ store }: Configuration): string[] {
  if (store.type !== 'directory' || isState(store.path)) return [];
  return [store.path, ...['outlets', 'records'].map((name) => join(dirname(store.path), name))];
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

function deliverNotes({ path, owner }: DeliverFile): string[] {
  if (owner === null || owner === ACCOUNT) return [];
  return [`${path} is to belong to ${owner}, which needs CAP_CHOWN: use group: and mode: "0440" instead of owner:`];
}

function unique(all: readonly string[]): string[] {
  return [...new Set(all)].sort();
}
