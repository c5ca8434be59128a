import { JwtrotError } from '../keyset/basics/error.js';
import { type Ownership, resolveOwnership } from '../outlets/accounts.js';
import { readAccounts } from '../outside/accounts.js';

export const ACCOUNT = 'jwtrot';

/** The user and group jwtrot; null if they do not exist yet. */
export function accountIds(): Promise<Ownership | null> {
  return idsOf(ACCOUNT, ACCOUNT);
}

/** The uid of a user; null if there is no such user. */
export async function uidOf(user: string): Promise<number | null> {
  return (await idsOf(user, null))?.uid ?? null;
}

async function idsOf(user: string, group: string | null): Promise<Ownership | null> {
  try {
    return await resolveOwnership(user, group);
  } catch (error) {
    if (error instanceof JwtrotError && error.code === 'no-such-account') return null;
    throw error;
  }
}

/** The name of each group, and the numbers without a name. */
export interface Groups {
  readonly named: readonly string[];
  readonly unnamed: readonly string[];
}

/**
 * Finds each group by name or number. A unit with an unknown group would not start at all.
 * @param where the setting that names them, for the error
 * @throws JwtrotError `no-such-account`
 */
export async function groupsOf(groups: readonly string[], where = 'deliver'): Promise<Groups> {
  const lines = await readAccounts('/etc/group');
  const named: string[] = [];
  const unnamed: string[] = [];
  for (const group of groups) {
    const isNumber = /^\d+$/.test(group);
    const name = lines.find(([known, , gid]) => (isNumber ? gid === group : known === group))?.[0];
    if (name !== undefined) named.push(name);
    else if (isNumber) unnamed.push(group);
    else throw noGroup(group, where);
  }
  return { named: [...new Set(named)].sort(), unnamed };
}

function noGroup(group: string, where: string): JwtrotError {
  return new JwtrotError('usage', 'no-such-account', `there is no group ${group} in /etc/group; nothing was changed`, {
    hint: `correct the name in ${where}, or make it: groupadd --system ${group}`,
  });
}
