import { access, constants, readdir, stat } from 'node:fs/promises';
import { JwtrotError } from '../../keyset/error.js';
import { FIXED_PATH, runCommand } from '../../outside/command.js';
import { accountIds } from './account.js';
import { ACCOUNT, type SetupFacts } from './facts.js';

/** Programs of the fixed PATH, which is that of units and of our crontab too. */
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

/** Runs what makes systemd see the files; each of them may be repeated. @throws JwtrotError `setup-failed` */
export async function runSteps(steps: readonly (readonly [string, ...string[]])[], signal: AbortSignal): Promise<void> {
  for (const argv of steps) {
    const result = await runCommand({ argv, env: [] }, { timeout: 120_000, signal, env: {} });
    if (result.ok) continue;
    throw new JwtrotError('services', 'setup-failed', `${argv.join(' ')}: ${result.reason}; the files are written`, {
      hint: 'see to it and run the same command again: what is done already is not done twice',
    });
  }
}

/** What of this host keeps the unit from working, as far as it can be seen from here. */
export async function hostNotes(facts: SetupFacts): Promise<string[]> {
  const notes: string[] = [];
  if (!(await mayRead(facts.source)))
    notes.push(
      `user ${ACCOUNT} can't read ${facts.source}: chgrp ${ACCOUNT} ${facts.source} && chmod 0640 ${facts.source}`,
    );
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

async function mayRead(path: string): Promise<boolean> {
  const ids = await accountIds();
  const { mode, gid, uid } = await stat(path);
  const bits = uid === ids?.uid ? 0o400 : gid === ids?.gid ? 0o040 : 0o004;
  return (mode & bits) !== 0;
}

async function isForeign(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  const ids = await accountIds();
  return found !== null && found.uid !== ids?.uid && (found.mode & 0o002) === 0;
}

const WANTED = '/etc/systemd/system/timers.target.wants';

/** Timers of ours that are enabled. */
export async function enabledTimers(): Promise<string[]> {
  const names = await readdir(WANTED).catch(() => []);
  return names.filter((name) => /^jwtrot(?:@[a-z0-9._-]+)?\.timer$/.test(name)).sort();
}
