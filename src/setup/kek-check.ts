import { lstat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import { runCommand } from '../outside/command.js';
import { errnoOf } from '../outside/errno.js';
import { ACCOUNT, accountIds } from './account.js';
import { shellWord } from './escape.js';
import type { SetupFacts } from './facts.js';
import { findProgram } from './host.js';
import { credentialPath } from './paths.js';
import { inDirectory } from './way.js';

/**
 * Checks that user jwtrot can read an existing KEK. Otherwise its first run would fail, in a journal that nobody reads
 * yet.
 * @throws JwtrotError `kek-unreadable`, `unsafe-way`
 */
export async function assertKekReadable(facts: SetupFacts, uid: number, signal: AbortSignal): Promise<void> {
  try {
    if (facts.credential !== null) await assertCredential(facts.credential, uid, signal);
    else if (facts.kekFile !== null) await assertFile(facts.kekFile, uid, signal);
  } catch (error) {
    // Not there yet, or hidden from an unprivileged user's dry run.
    if (!['ENOENT', 'EACCES'].includes(errnoOf(error))) throw error;
  }
}

async function assertFile(path: string, uid: number, signal: AbortSignal): Promise<void> {
  const account = await accountIds();
  const shown = shellWord(path);
  const isThere = await inDirectory(dirname(path), { account: account?.uid }, async (directory) => {
    if (directory === null) return false;
    const facts = await lstat(`${directory.through}/${basename(path)}`);
    if (!facts.isFile()) throw unreadable(path, 'it is no regular file', 'name the file itself in wrap.kek.file');
    if (facts.uid !== account?.uid) {
      const make = account === null ? `systemd-sysusers or useradd --system ${ACCOUNT} first, then ` : '';
      throw unreadable(path, `it belongs to user ${facts.uid}`, `${make}chown ${ACCOUNT}: ${shown}`);
    }
    if ((facts.mode & 0o077) !== 0 || (facts.mode & 0o400) === 0) {
      const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
      throw unreadable(path, `its mode is ${mode}`, `chmod 0600 ${shown}, and think who may have read it`);
    }
    return true;
  });
  if (!isThere || uid !== 0 || account === null || (await findProgram('setpriv')) === null) return;
  const argv = [
    'setpriv',
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--init-groups',
    'test',
    '-r',
    path,
  ] as const;
  const found = await runCommand({ argv, env: [] }, { timeout: 10_000, signal, env: {} });
  if (!found.ok) throw unreadable(path, 'that user may not enter a directory on the way', `namei -l ${shown}`);
}

/** Only root can decrypt a credential. The plaintext goes to /dev/null. */
async function assertCredential(name: string, uid: number, signal: AbortSignal): Promise<void> {
  const path = credentialPath(name);
  if (uid !== 0 || (await findProgram('systemd-creds')) === null) return;
  await inDirectory(dirname(path), {}, async (directory) => {
    if (directory !== null) await lstat(`${directory.through}/${basename(path)}`);
  });
  const script = 'systemd-creds decrypt --name="$1" "$2" - >/dev/null';
  const argv = ['sh', '-c', script, 'sh', name, path] as const;
  const made = await runCommand({ argv, env: [] }, { timeout: 30_000, signal, env: {} });
  if (made.ok) return;
  const hint = `encrypt its backup for this host: systemd-creds encrypt --name=${name} - ${path} < kek`;
  throw unreadable(path, `systemd-creds can't decrypt it: ${made.reason}`, hint);
}

function unreadable(path: string, why: string, hint: string): JwtrotError {
  const message = `user ${ACCOUNT} can't read the KEK ${path}: ${why}; nothing was changed`;
  return new JwtrotError('refused', 'kek-unreadable', message, { hint });
}
