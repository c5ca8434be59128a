import { basename, dirname } from 'node:path';
import type { Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { errnoOf } from '../outside/errno.js';
import { resolveOwnership } from './accounts.js';
import { tryFile } from './atomic-file.js';
import { openForSecrets } from './deliver-file.js';
import type { Flaw } from './findings.js';
import type { DeliverOutlet, Unfit } from './outlet.js';
import type { Reachable } from './place.js';
import { outletProblem } from './problem.js';

/**
 * Tests whether a key could be delivered here: it gives the key's owner, group and mode to an empty file without a name.
 * A run asks before it switches keys: after that, a signer without the new key only has one that soon stops verifying.
 */
export async function tryDelivery(outlet: DeliverOutlet, newId: () => string): Promise<Unfit | null> {
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
  if (target.isBlind) return null;
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
function notOurs({ path, owner, group }: DeliverOutlet) {
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
