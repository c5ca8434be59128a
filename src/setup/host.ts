import { access, constants, readdir, stat } from 'node:fs/promises';
import { JwtrotError } from '../keyset/basics/error.js';
import { resolveOwnership } from '../outlets/accounts.js';
import { FIXED_PATH } from '../outside/command.js';
import { ACCOUNT, accountIds } from './account.js';
import type { SetupFacts } from './facts.js';

/** Finds a program in the fixed PATH, which units and our crontab use too; null if it is missing. */
export async function findProgram(name: string): Promise<string | null> {
  for (const folder of FIXED_PATH.split(':')) {
    const path = `${folder}/${name}`;
    const may = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (may) return path;
  }
  return null;
}

/** @throws JwtrotError `not-installed` */
export async function assertInstalled(): Promise<void> {
  for (const name of ['jwtrot', 'node']) {
    if ((await findProgram(name)) !== null) continue;
    throw new JwtrotError('usage', 'not-installed', `there is no ${name} in ${FIXED_PATH}; nothing was changed`, {
      hint: 'install it for all users: npm install -g jwtrot (as root, with a Node that is not in a home directory)',
    });
  }
}

/** What on this host stops the unit from working, as far as visible from here. */
export async function hostNotes(facts: SetupFacts): Promise<string[]> {
  const notes: string[] = [];
  if (!(await mayRead(facts.source)))
    notes.push(
      `user ${ACCOUNT} can't read ${facts.source}: chgrp ${ACCOUNT} ${facts.source} && chmod 0640 ${facts.source}`,
    );
  notes.push(...(await readerNotes(facts)));
  const hasPolkit = (await findProgram('pkaction')) !== null;
  if (facts.permissions.length > 0 && !hasPolkit)
    notes.push(
      'polkit is not installed, so that systemd denies reloads to other users than root: apt-get install polkitd',
    );
  for (const path of facts.outlets) {
    if (await isForeign(path))
      notes.push(
        `${path} does not belong to user ${ACCOUNT}: unless an ACL lets it write there (setfacl -m u:${ACCOUNT}:rwx ${path}), publish to a directory of its own`,
      );
  }
  return notes;
}

/** Hidden by ProtectHome= and PrivateTmp= in sandbox.conf, also if a link leads there. */
const HIDDEN = ['/home', '/root', '/run/user', '/tmp', '/var/tmp'];

/** Paths that the sandbox hides from the unit, unless an operator's drop-in shows them. */
export function sandboxNotes({ source, outlets, state, kekFile }: SetupFacts): string[] {
  const paths = [source, ...outlets, ...state, ...(kekFile === null ? [] : [kekFile])];
  return paths.flatMap((path) => {
    const hidden = HIDDEN.find((folder) => path === folder || path.startsWith(`${folder}/`));
    return hidden === undefined
      ? []
      : [`${path}: the unit's sandbox hides ${hidden}; move it, or show it by a drop-in`];
  });
}

async function mayRead(path: string): Promise<boolean> {
  const ids = await accountIds();
  const { mode, gid, uid } = await stat(path);
  const bits = uid === ids?.uid ? 0o400 : gid === ids?.gid ? 0o040 : 0o004;
  return (mode & bits) !== 0;
}

async function readerNotes({ source, readers }: SetupFacts): Promise<string[]> {
  if (readers === null) return [];
  const { mode, gid } = await stat(source);
  // The group may be missing here if the setup is for another host.
  const group = await resolveOwnership(null, readers.group).catch(() => null);
  if ((mode & (gid === group?.gid ? 0o040 : 0o004)) !== 0) return [];
  return [`members of ${readers.group} can't read ${source}: chmod 0644 ${source}`];
}

async function isForeign(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  const ids = await accountIds();
  return found !== null && found.uid !== ids?.uid && (found.mode & 0o002) === 0;
}

const WANTED = '/etc/systemd/system/timers.target.wants';

/** The enabled jwtrot timers. */
export async function enabledTimers(): Promise<string[]> {
  const names = await readdir(WANTED).catch(() => []);
  return names.filter((name) => /^jwtrot(?:@[a-z0-9._-]+)?\.timer$/.test(name)).sort();
}
