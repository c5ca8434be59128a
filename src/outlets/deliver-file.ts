import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { assertMatches } from '../keys/matches.js';
import { toPkcs8Pem, toPrivateJwk } from '../keys/private-key.js';
import { JwtrotError } from '../keyset/error.js';
import { resolveOwnership } from './accounts.js';
import { removeFile, replaceFile } from './atomic-file.js';
import { type OutletDirectory, openDirectory } from './directory.js';
import { observeDelivered } from './observe.js';
import type { DeliverOutlet } from './outlet.js';
import type { Target, Writing } from './target.js';

/** statfs(2): TMPFS_MAGIC and RAMFS_MAGIC. */
const MEMORY = [0x01021994, 0x858458f6];

/** A file in memory that a signer reads the active private key from. */
export function deliverFile(outlet: DeliverOutlet): Target {
  const [folder, name] = [dirname(outlet.path), basename(outlet.path)];
  return {
    label: outlet.path,
    kind: 'deliver',
    format: outlet.format,
    isBlind: false,
    folder,
    name,
    openFolder: () => openForSecrets(outlet, folder),
    observe: (path) => observeDelivered(outlet, path),
    holds({ keys, intact, alg }, { active }) {
      if (active === null) return keys === null;
      const [key] = keys ?? [];
      const named = outlet.format === 'pem' || (key?.kid === active.kid && alg === active.alg);
      return intact && named && keys?.length === 1 && key?.thumbprint === active.thumbprint;
    },
    write: (writing) => deliver(outlet, name, writing),
  };
}

async function deliver(outlet: DeliverOutlet, name: string, writing: Writing): Promise<void> {
  const { directory, content, newId } = writing;
  const { active } = content;
  if (active === null) {
    await removeFile(directory, name);
    return;
  }
  const ownership = await resolveOwnership(outlet.owner, outlet.group);
  const privateKey = await writing.privateKey();
  assertMatches(privateKey, active.publicJwk, active.kid);
  const text = outlet.format === 'jwk' ? toPrivateJwk(privateKey, active) : toPkcs8Pem(privateKey);
  try {
    await replaceFile(directory, name, text, { mode: outlet.mode, ...ownership }, newId());
  } finally {
    text.fill(0);
  }
}

/** Opens the directory once and checks what was opened, so that swapping it afterwards changes nothing. */
async function openForSecrets(outlet: DeliverOutlet, folder: string): Promise<OutletDirectory> {
  const directory = await openDirectory(folder, { follow: false });
  try {
    await assertUnwritableByOthers(directory, outlet);
    if (!outlet.allowDisk) await assertInMemory(directory);
    return directory;
  } catch (error) {
    await directory.handle.close();
    throw error;
  }
}

/** Who may write in the directory may put a key of his own in place of ours. A sticky bit does not keep him from it. */
async function assertUnwritableByOthers({ handle, path }: OutletDirectory, outlet: DeliverOutlet): Promise<void> {
  const { mode, uid } = await handle.stat();
  if ((mode & 0o022) !== 0) {
    throw unsafe(path, 'group or others can write in it', `chmod go-w ${path}, or deliver to a directory of its own`);
  }
  const owner = await resolveOwnership(outlet.owner, null);
  if (![0, process.geteuid?.() ?? 0, owner.uid].includes(uid)) {
    throw unsafe(
      path,
      `it belongs to user ${uid}`,
      `chown root ${path}, or set owner: ${uid} if that user is to own the key`,
    );
  }
}

async function assertInMemory({ through, path }: OutletDirectory): Promise<void> {
  const { type } = await statfs(through);
  if (MEMORY.includes(type >>> 0)) return;
  throw new JwtrotError(
    'refused',
    'not-in-memory',
    `${path} is not on a tmpfs or ramfs: the private key would be on a disk; it was not written`,
    {
      hint: 'deliver below /run or /dev/shm, or allow the disk: allowDisk: true',
    },
  );
}

function unsafe(path: string, why: string, hint: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'unsafe-directory',
    `${path} is no safe place for a private key: ${why}; it was not written`,
    { hint },
  );
}
