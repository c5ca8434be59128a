import { lstat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Configuration } from '../config/configuration.js';
import { secretBytes } from '../keys/secret-bytes.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { runCommand } from '../outside/command.js';
import { forbidCoreDumps } from '../outside/core-dumps.js';
import { errnoOf } from '../outside/errno.js';
import { createKek } from '../wrap/local-kek-creation.js';
import { accountIds } from './account.js';
import type { SetupFacts } from './facts.js';
import { unwritten } from './files.js';
import { assertKekReadable } from './kek-check.js';
import { createIn } from './own-file.js';
import { credentialPath } from './paths.js';
import type { Surroundings } from './surroundings.js';
import { inDirectory } from './way.js';

/** The path of a missing KEK that the unit can't make itself; null: none is missing. */
export async function missingKek(facts: SetupFacts): Promise<string | null> {
  const path = facts.credential === null ? facts.kekFile : credentialPath(facts.credential);
  return path === null || (await exists(path)) ? null : path;
}

/**
 * Refuses to make a new KEK if the store holds keys that are wrapped under a missing one.
 * @throws JwtrotError `kek-missing`
 */
export async function assertNoneLost(
  facts: SetupFacts,
  configuration: Configuration,
  { uid, openStore }: Pick<Surroundings, 'uid' | 'openStore'>,
): Promise<void> {
  const path = await missingKek(facts);
  // An unprivileged user's dry run can't read the store.
  if (path === null || uid !== 0) return;
  const store = await openStore(configuration, (await accountIds())?.uid ?? uid);
  if (await store.holdsKeys()) throw lost(path, facts.credential);
}

/**
 * Makes the KEK, unless the store holds keys that are wrapped under another one.
 * @throws JwtrotError `kek-missing`, `kek-unreadable`, `unsafe-way`
 */
export async function makeKek(
  facts: SetupFacts,
  configuration: Configuration,
  surroundings: Surroundings,
): Promise<void> {
  const path = await missingKek(facts);
  const { uid, signal } = surroundings;
  // It may have been there before user jwtrot was.
  if (path === null) return assertKekReadable(facts, uid, signal);
  await assertNoneLost(facts, configuration, surroundings);
  await forbidCoreDumps();
  try {
    if (facts.credential === null) await makeKekFile(path, (await accountIds()) ?? { uid: 0, gid: 0 });
    else await makeCredential(facts.credential, path, signal);
  } catch (error) {
    throw unwritten(path, error);
  }
}

/** @param owner its reader. A missing directory is made root's, and the owner's group may enter it. */
export async function makeKekFile(path: string, owner: { uid: number; gid: number }, root = '/'): Promise<void> {
  const way = { root, account: owner.uid, make: { mode: 0o750, gid: owner.gid } };
  await inDirectory(dirname(path), way, async (directory) => {
    if (directory !== null) await createKek({ path, kind: 'file', uid: 0 }, { through: directory.through, owner });
  });
}

/** systemd-creds reads the KEK from its standard input and writes it encrypted, so no disk ever has it in clear. */
async function makeCredential(name: string, path: string, signal: AbortSignal): Promise<void> {
  const kek = crypto.getRandomValues(secretBytes(32));
  try {
    const argv = ['systemd-creds', 'encrypt', `--name=${name}`, '-', '-'] as const;
    const made = await runCommand({ argv, env: [] }, { stdin: kek, timeout: 30_000, signal, env: {} });
    if (!made.ok) throw noCredential(name, path, made.reason);
    await inDirectory(dirname(path), { make: { mode: 0o700 } }, async (directory) => {
      if (directory !== null) await createIn(directory, basename(path), Buffer.from(made.stdout), { mode: 0o600 });
    });
  } finally {
    kek.fill(0);
  }
}

function noCredential(name: string, path: string, reason: string): JwtrotError {
  return new JwtrotError('refused', 'kek-not-made', `systemd-creds did not make the KEK ${path}: ${reason}`, {
    hint: `make it yourself: head -c 32 /dev/urandom | systemd-creds encrypt --name=${name} - ${path}`,
  });
}

function lost(path: string, credential: string | null): JwtrotError {
  const hint =
    credential === null
      ? `restore ${path} from its backup, as user jwtrot's and with mode 0600; then run setup again`
      : `encrypt its backup for this host: systemd-creds encrypt --name=${credential} - ${path}; then run setup again`;
  return new JwtrotError(
    'refused',
    'kek-missing',
    `the KEK ${path} is missing, and the store holds keys wrapped under it; nothing was changed`,
    { hint },
  );
}

async function exists(path: string): Promise<boolean> {
  const account = (await accountIds())?.uid;
  try {
    return await inDirectory(dirname(path), { account }, async (directory) => {
      if (directory === null) return false;
      await lstat(`${directory.through}/${basename(path)}`);
      return true;
    });
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return false;
    if (code === 'EACCES') return true; // hidden from an unprivileged user's dry run
    throw error;
  }
}
