import { JwtrotError } from '../keyset/basics/error.js';
import { readAccounts } from '../outside/accounts.js';

/** Numbers for fchown(2); -1 keeps the present one. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Resolves names by passwd(5) and group(5). It does not ask directories such as LDAP: at boot they may not answer yet.
 * @throws JwtrotError `no-such-account` (exit 2)
 */
export async function resolveOwnership(
  owner: string | number | null,
  group: string | number | null,
): Promise<Ownership> {
  const [uid, gid] = await Promise.all([resolve(owner, '/etc/passwd', 'user'), resolve(group, '/etc/group', 'group')]);
  return { uid, gid };
}

async function resolve(
  account: string | number | null,
  file: '/etc/passwd' | '/etc/group',
  what: string,
): Promise<number> {
  if (account === null) return -1;
  if (typeof account === 'number') return account;
  if (/^\d+$/.test(account)) return Number(account);
  const id = (await readAccounts(file)).find(([name]) => name === account)?.[2] ?? '';
  if (/^\d+$/.test(id)) return Number(id);
  throw new JwtrotError('usage', 'no-such-account', `there is no ${what} ${account} in ${file}; nothing was written`, {
    hint: `create it, or give its number (getent ${file === '/etc/group' ? 'group' : 'passwd'} ${account}): accounts that are not in ${file} are known by number alone`,
  });
}
