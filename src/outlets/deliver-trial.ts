import { basename, dirname } from 'node:path';
import type { Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { errnoOf } from '../outside/errno.js';
import { isExecutable } from '../outside/find-program.js';
import { resolveOwnership } from './accounts.js';
import { tryFile } from './atomic-file.js';
import type { DeliverCommand, DeliverFile, DeliverOutlet } from './configured.js';
import { openForSecrets } from './deliver-file.js';
import type { Flaw } from './findings.js';
import { lookTime } from './observe-outlet.js';
import type { Unfit } from './outlet.js';
import type { Reachable } from './place.js';
import { outletProblem } from './problem.js';
import { pathOf } from './target.js';

interface Trial {
  /** For a command that is asked. */
  readonly limit: Duration;
  readonly newId: () => string;
  /** Where to find programs; absent: the fixed PATH. */
  readonly path?: string | undefined;
}

/**
 * Tests whether a key could be delivered here, without the key. A run asks before it switches keys: after that, a signer
 * without the new key only has one that soon stops verifying.
 */
export function tryDelivery(reachable: Reachable, outlet: DeliverOutlet, trial: Trial): Promise<Unfit | null> {
  return outlet.type === 'file' ? tryFileDelivery(outlet, trial) : tryCommand(reachable, outlet, trial);
}

/** Only the command itself can put a key there, so it is not run: it must be a program, and `holds` must answer. */
async function tryCommand(
  { target, reach }: Reachable,
  { command }: DeliverCommand,
  { path, limit }: Trial,
): Promise<Unfit | null> {
  const [program] = command.argv;
  try {
    if (!(await isExecutable(program, path))) throw noProgram(target.label, program);
    await reach.within(lookTime(target, limit), () => target.observe(pathOf(target), limit));
    return null;
  } catch (error) {
    return unfit(target.label, target.folder, error);
  }
}

function noProgram(outlet: string, program: string): JwtrotError {
  const message = `${outlet} can't be run: there is no program ${quoteOutside(program)} that this user may execute`;
  return new JwtrotError('services', 'not-deliverable', message, {
    hint: 'install it, or correct its path in deliver',
  });
}

/**
 * Tests whether a key could be delivered here: it gives the key's owner, group and mode to an empty file without a name.
 */
async function tryFileDelivery(outlet: DeliverFile, { newId }: Trial): Promise<Unfit | null> {
  const folder = dirname(outlet.path);
  try {
    const directory = await openForSecrets(outlet, folder);
    try {
      const ownership = await resolveOwnership(outlet.owner, outlet.group);
      await tryFile(directory, basename(outlet.path), { mode: outlet.mode, ...ownership }, newId()).catch(
        notOurs(outlet),
      );
    } finally {
      await directory.handle.close();
    }
    return null;
  } catch (error) {
    return unfit(outlet.path, folder, error);
  }
}

/** Tests whether an outlet's directory is there, fit and writable, before a run writes. Null also for a command. */
export async function tryPlace(
  { target, reach }: Reachable,
  limit: Duration,
  newId: () => string,
): Promise<Unfit | null> {
  if (target.isCommand) return null;
  try {
    await reach.within(limit, async () => {
      const directory = await target.openFolder();
      try {
        const flaw = await target.flawOf(directory);
        if (flaw !== null) throw leaving(target.label, flaw);
        await tryFile(directory, target.name, { mode: 0o600, uid: -1, gid: -1 }, newId());
      } finally {
        await directory.handle.close();
      }
    });
    return null;
  } catch (error) {
    return unfit(target.label, target.folder, error);
  }
}

/** Uses the words of a run that leaves the outlet alone. */
function leaving(outlet: string, { code, why, hint, kind }: Flaw): JwtrotError {
  return new JwtrotError(kind, code, `${outlet} was left as it is: ${why}`, { hint });
}

function unfit(outlet: string, folder: string, error: unknown): Unfit {
  const problem = outletProblem(`cannot write ${outlet}`, folder, error);
  if (!(problem instanceof JwtrotError)) throw problem;
  const { message: reason, hint = null, code, kind } = problem;
  return { outlet, reason, hint, code, kind };
}

/** fchown(2): without root a process can give a file to its own groups alone, and to no other user. */
function notOurs({ path, owner, group }: DeliverFile) {
  return (error: unknown): never => {
    if (errnoOf(error) !== 'EPERM') throw error;
    const message =
      owner === null
        ? `${path} can't be given to group ${group}: this user is no member of it`
        : `${path} can't be given to user ${owner}: only root may do that`;
    const hint =
      owner === null
        ? 'jwtrot setup systemd, or cron, makes user jwtrot a member; by hand: usermod --append --groups GROUP USER'
        : 'leave owner out, and set group and mode: "0440"';
    throw new JwtrotError('services', 'not-deliverable', message, { hint, cause: error });
  };
}
