import type { Configuration } from '../config/configuration.js';
import { loadConfiguration } from '../config/load.js';
import { hasControl } from '../config/schema/scalars.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { groupsOf } from './account.js';
import { type SetupFacts, setupFacts } from './facts.js';
import { assertInstalled, sandboxNotes } from './host.js';
import { assertNoneLost } from './kek.js';
import { assertKekReadable } from './kek-check.js';
import { assertSafe, unsafeDirectories } from './outlet-directories.js';
import { STATE_DIRECTORY } from './paths.js';
import { installedReaders, type Readers, readersOf } from './readers.js';
import type { Surroundings } from './surroundings.js';
import { unitNotes } from './units.js';

export type System = 'systemd' | 'cron';

/** The options that decide how to install jwtrot. */
export interface SetupWishes {
  /** The configuration's path; absent: search for it. */
  readonly config: string | undefined;
  /** The configuration is for another host, so what is missing here is only a note. */
  readonly elsewhere: boolean;
  /** A group; false: nobody; absent: keep the present one. */
  readonly readers?: string | false | undefined;
}

export interface Prepared {
  readonly configuration: Configuration;
  readonly facts: SetupFacts;
}

/**
 * Collects the facts of the configuration and this host. Everything that would stop the real run stops here, before any
 * change, so a dry run finds it, too.
 * @throws JwtrotError
 */
export async function prepare(
  system: System,
  { config, elsewhere, readers: wanted }: SetupWishes,
  surroundings: Surroundings,
): Promise<Prepared> {
  if (!elsewhere) await assertInstalled();
  // The unit's state directory, whoever runs setup: it decides where the store is if none is configured.
  const configuration = await load(config, surroundings, STATE_DIRECTORY);
  const { source } = configuration;
  if (source === null) throw noConfiguration();
  assertPlainPath(source);
  const facts = { ...setupFacts(configuration, source), readers: await readersFor(configuration, wanted, elsewhere) };
  if (system === 'cron' && facts.credential !== null) throw noCredentials();
  const notes = [
    ...facts.notes,
    ...(system === 'systemd' ? sandboxNotes(facts) : []),
    ...(await storeNotes(config, surroundings, configuration)),
  ];
  if (elsewhere) return { configuration, facts: { ...facts, notes } };
  const members = await membersOf(system, facts);
  await assertSafe(facts.state);
  await assertNoneLost(facts, configuration, surroundings);
  await assertKekReadable(facts, surroundings.uid, surroundings.signal);
  const unsafe = await unsafeDirectories(facts.outlets);
  for (const { path, problem } of unsafe) notes.push(`${path} is not made by setup: ${problem.message}`);
  notes.push(...(await unitNotes(facts.reloads, surroundings.signal)).map(({ text }) => text));
  const leftAlone = unsafe.map(({ path }) => path);
  return { configuration, facts: { ...facts, members, leftAlone, notes } };
}

/** Keeps an earlier group's rights when setup runs again without the option. */
async function readersFor(
  configuration: Configuration,
  wanted: SetupWishes['readers'],
  elsewhere: boolean,
): Promise<Readers | null> {
  if (wanted === false) return null;
  if (wanted !== undefined) {
    if (!elsewhere) await groupsOf([wanted], '--readers');
    return readersOf(wanted, configuration);
  }
  const { group } = (await installedReaders()) ?? {};
  if (group === undefined || elsewhere || configuration.store.type !== 'directory') return null;
  await groupsOf([group], '--readers');
  return readersOf(group, configuration);
}

/** The groups by name. systemd takes a group by number, a membership needs a name. */
async function membersOf(system: System, { groups }: SetupFacts): Promise<readonly string[]> {
  const { named, unnamed } = await groupsOf(groups);
  const [group] = unnamed;
  if (system === 'systemd' || group === undefined) return named;
  const message = `group ${group} has no name in /etc/group, and under cron user jwtrot is in named groups alone; nothing was changed`;
  throw new JwtrotError('usage', 'no-such-account', message, { hint: `give it one: groupadd --gid ${group} NAME` });
}

function load(path: string | undefined, { env, uid, home }: Surroundings, state: string): Promise<Configuration> {
  return loadConfiguration({ path, env: { ...env, STATE_DIRECTORY: state }, uid, home });
}

/** The path enters root's files. The schema checks the paths inside the configuration the same way. */
function assertPlainPath(source: string): void {
  if (!hasControl(source)) return;
  const message = `the configuration's path ${quoteOutside(source)} holds a control character; nothing was changed`;
  throw new JwtrotError('usage', 'unsafe-path', message, { hint: 'move it to /etc/jwtrot/jwtrot.yaml' });
}

/** Warns that without a configured store each user has another one. */
async function storeNotes(
  config: string | undefined,
  surroundings: Surroundings,
  { source, store }: Configuration,
): Promise<string[]> {
  if (store.type !== 'directory') return [];
  const other = await load(config, surroundings, '/elsewhere');
  if (other.store.type !== 'directory' || other.store.path === store.path) return [];
  return [
    `${source} names no store: the timer's is ${store.path}, that of a command in a shell is another; add store: { type: directory, path: ${store.path} }`,
  ];
}

function noConfiguration(): JwtrotError {
  return new JwtrotError('usage', 'no-configuration', 'there is no configuration to set up; nothing was changed', {
    hint: 'write /etc/jwtrot/jwtrot.yaml first: docs/configuration.md has a full example',
  });
}

function noCredentials(): JwtrotError {
  const message = `cron can't give jwtrot the KEK, which is a systemd credential; nothing was changed`;
  return new JwtrotError('usage', 'no-credentials', message, {
    hint: 'set wrap: { type: local, kek: { file: /etc/jwtrot/kek } }, or use jwtrot setup systemd',
  });
}
