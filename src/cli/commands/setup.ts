import type { Configuration } from '../../config/configuration.js';
import { loadConfiguration } from '../../config/load.js';
import { JwtrotError } from '../../keyset/error.js';
import type { Environment } from '../environment.js';
import { choose } from '../open.js';
import { assertGroups, groupNotes } from '../setup/account.js';
import { carryOut, type SetupPlan } from '../setup/carry-out.js';
import { cronInstallation, cronRemoval } from '../setup/cron.js';
import { STATE_DIRECTORY, setupFacts } from '../setup/facts.js';
import { assertInstalled } from '../setup/host.js';
import { systemdInstallation, systemdRemoval } from '../setup/systemd.js';
import type { GlobalOptions, Verb } from '../verb.js';

interface SetupOptions {
  /** `systemd` or `cron`. */
  readonly args?: readonly string[];
  readonly dryRun?: boolean;
  readonly uninstall?: boolean;
  /** With cron. */
  readonly splay?: number;
}

/** `jwtrot setup systemd` and `jwtrot setup cron`: from the configuration to a timer. */
export const setup: Verb<SetupOptions> = async (options, environment, output) => {
  const target = options.args?.[0] === 'cron' ? 'cron' : 'systemd';
  if (environment.uid !== 0 && options.dryRun !== true) {
    throw new JwtrotError('usage', 'not-root', 'setup writes below /etc and needs root; nothing was changed', {
      hint: `sudo jwtrot setup ${target}; or look first: jwtrot setup ${target} --dry-run`,
    });
  }
  const plan = await planOf(target, options, environment);
  return carryOut(plan, options.dryRun === true, environment, output);
};

async function planOf(
  target: 'systemd' | 'cron',
  options: SetupOptions & GlobalOptions,
  environment: Environment,
): Promise<SetupPlan> {
  if (options.uninstall === true) return target === 'cron' ? cronRemoval() : systemdRemoval();
  if (options.dryRun !== true) await assertInstalled();
  // As the unit has it, whoever runs setup: without a `store` the state directory decides.
  const configuration = await load(options, environment, STATE_DIRECTORY);
  const { source } = configuration;
  if (source === null) {
    throw new JwtrotError('usage', 'no-configuration', 'there is no configuration to set up; nothing was changed', {
      hint: 'write /etc/jwtrot/jwtrot.yaml first: docs/configuration.md has a full example',
    });
  }
  const facts = setupFacts(configuration, source);
  // What is looked at may be meant for another host.
  const missing = options.dryRun === true ? await groupNotes(facts.groups) : [];
  if (options.dryRun !== true) await assertGroups(facts.groups);
  const notes = [...missing, ...facts.notes, ...(await storeNotes(options, environment, configuration))];
  const chosen = options.keyset === undefined ? [] : choose(configuration, options.keyset).map(({ name }) => name);
  const wanted = { facts: { ...facts, notes }, configuration, keysets: chosen, environment };
  return target === 'cron' ? cronInstallation(wanted, options.splay) : systemdInstallation(wanted);
}

function load({ config }: GlobalOptions, { env, uid, home }: Environment, state: string): Promise<Configuration> {
  return loadConfiguration({ path: config, env: { ...env, STATE_DIRECTORY: state }, uid, home });
}

/** A store that is not named is another one for each user. */
async function storeNotes(
  options: GlobalOptions,
  environment: Environment,
  { source, store }: Configuration,
): Promise<string[]> {
  if (store.type !== 'directory') return [];
  const other = await load(options, environment, '/elsewhere');
  if (other.store.type !== 'directory' || other.store.path === store.path) return [];
  return [
    `${source} names no store: the timer's is ${store.path}, that of a command in a shell is another; add store: { type: directory, path: ${store.path} }`,
  ];
}
