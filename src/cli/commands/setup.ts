import { openStore } from '../../config/open-store.js';
import { EXIT, JwtrotError } from '../../keyset/basics/error.js';
import { carryOut, type SetupPlan } from '../../setup/carry-out.js';
import { cronInstallation, cronRemoval } from '../../setup/cron.js';
import { prepare, type System } from '../../setup/prepare.js';
import type { Surroundings } from '../../setup/surroundings.js';
import { systemdInstallation, systemdRemoval } from '../../setup/systemd.js';
import type { Environment } from '../environment.js';
import { choose } from '../open.js';
import { printSetup } from '../output/setup.js';
import type { GlobalOptions, Verb } from '../verb.js';

interface SetupOptions {
  readonly dryRun?: boolean;
  readonly uninstall?: boolean;
  /** Only with a dry run. */
  readonly otherHost?: boolean;
  /** Only with systemd: a group; false: nobody. */
  readonly readers?: string | false;
  /** Only with cron, in milliseconds. */
  readonly splay?: number;
}

/** `jwtrot setup systemd` and `jwtrot setup cron`: from the configuration to a timer. */
export function setupBy(system: System): Verb<SetupOptions> {
  return async (options, environment, output) => {
    const { dryRun = false, verbose = false, otherHost = false } = options;
    if (environment.uid !== 0 && !dryRun) {
      throw new JwtrotError('usage', 'not-root', 'setup writes below /etc and needs root; nothing was changed', {
        hint: `sudo jwtrot setup ${system}; or look first: jwtrot setup ${system} --dry-run`,
      });
    }
    if (otherHost && !dryRun) {
      throw new JwtrotError('usage', 'bad-usage', '--other-host is for a look alone; nothing was changed', {
        hint: `jwtrot setup ${system} --dry-run --other-host`,
      });
    }
    const plan = await planOf(system, options, environment);
    printSetup(plan, await carryOut(plan, dryRun, environment.signal), { dryRun, verbose }, output);
    return EXIT.done;
  };
}

async function planOf(
  system: System,
  options: SetupOptions & GlobalOptions,
  environment: Environment,
): Promise<SetupPlan> {
  if (options.uninstall === true) return system === 'cron' ? cronRemoval() : systemdRemoval();
  const { config, readers, otherHost: elsewhere = false } = options;
  const surroundings = surroundingsOf(environment);
  const { configuration, facts } = await prepare(system, { config, elsewhere, readers }, surroundings);
  const keysets = options.keyset === undefined ? [] : choose(configuration, options.keyset).map(({ name }) => name);
  const wanted = { facts, configuration, keysets, surroundings };
  return system === 'cron' ? cronInstallation(wanted, options.splay) : systemdInstallation(wanted);
}

function surroundingsOf(environment: Environment): Surroundings {
  // One by one: a spread would open standard input.
  const { env, uid, home, signal } = environment;
  return {
    env,
    uid,
    home,
    signal,
    openStore: (configuration, as) => openStore(configuration, environment, { uid: as, reads: false }),
  };
}
