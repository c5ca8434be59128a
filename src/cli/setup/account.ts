import { JwtrotError } from '../../keyset/error.js';
import { type Ownership, resolveOwnership } from '../../outlets/accounts.js';
import { ACCOUNT } from './facts.js';

/** Null while the user does not exist yet. */
export async function accountIds(): Promise<Ownership | null> {
  try {
    return await resolveOwnership(ACCOUNT, ACCOUNT);
  } catch (error) {
    if (error instanceof JwtrotError && error.code === 'no-such-account') return null;
    throw error;
  }
}

/** A unit with an unknown group does not start at all. @throws JwtrotError `no-such-account` */
export async function assertGroups(groups: readonly string[]): Promise<void> {
  for (const group of groups) await resolveOwnership(null, group);
}

/** The same, as notes. */
export async function groupNotes(groups: readonly string[]): Promise<string[]> {
  const notes = await Promise.all(
    groups.map((group) =>
      assertGroups([group]).then(
        () => [],
        (error: unknown) => {
          if (error instanceof JwtrotError) return [`there is no group ${group} on this host`];
          throw error;
        },
      ),
    ),
  );
  return notes.flat();
}
