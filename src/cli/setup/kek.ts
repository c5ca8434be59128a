import { webcrypto } from 'node:crypto';
import { chown, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Configuration } from '../../config/configuration.js';
import { JwtrotError } from '../../keyset/error.js';
import { runCommand } from '../../outside/command.js';
import { createKek } from '../../wrap/local-kek-creation.js';
import type { Environment } from '../environment.js';
import { openStore } from '../open.js';
import { accountIds } from './account.js';
import type { SetupFacts } from './facts.js';
import { credentialPath } from './render.js';

/** The KEK that the unit can't make itself. Null when there is none, or it is there. */
export async function missingKek(facts: SetupFacts): Promise<string | null> {
  const path = facts.credential === null ? facts.kekFile : credentialPath(facts.credential);
  return path === null || (await exists(path)) ? null : path;
}

/**
 * Makes it, unless the store holds keys that are wrapped under another one.
 * @throws JwtrotError `kek-missing`
 */
export async function makeKek(
  facts: SetupFacts,
  configuration: Configuration,
  environment: Environment,
): Promise<void> {
  const path = await missingKek(facts);
  if (path === null) return;
  const uid = (await accountIds())?.uid ?? environment.uid;
  const store = await openStore(configuration, environment, uid);
  if (await store.holdsKeys()) throw lost(path, facts.credential);
  if (facts.credential === null) await makeFile(path);
  else await makeCredential(facts.credential, path, environment.signal);
}

async function makeFile(path: string): Promise<void> {
  await createKek({ path, kind: 'file', uid: 0 });
  const ids = await accountIds();
  if (ids !== null) await chown(path, ids.uid, ids.gid);
}

/** systemd-creds reads the KEK from its standard input: it never lies anywhere in the clear. */
async function makeCredential(name: string, path: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const kek = webcrypto.getRandomValues(new Uint8Array(32));
  try {
    const argv = ['systemd-creds', 'encrypt', `--name=${name}`, '-', path] as const;
    const made = await runCommand({ argv, env: [] }, { stdin: kek, timeout: 30_000, signal, env: {} });
    if (made.ok) return;
    throw new JwtrotError('refused', 'kek-not-made', `systemd-creds did not make the KEK ${path}: ${made.reason}`, {
      hint: `make it yourself: head -c 32 /dev/urandom | ${argv.join(' ')}`,
    });
  } finally {
    kek.fill(0);
  }
}

function lost(path: string, credential: string | null): JwtrotError {
  const hint =
    credential === null
      ? `restore ${path} from its backup, as user jwtrot's and with mode 0600; then run setup again`
      : `encrypt its backup for this host: systemd-creds encrypt --name=${credential} - ${path}; then run setup again`;
  return new JwtrotError(
    'refused',
    'kek-missing',
    `the KEK ${path} is missing, and the store holds keys wrapped under it`,
    {
      hint,
    },
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code === 'EACCES') return true; // hidden from a user who only looks
    throw error;
  }
}
