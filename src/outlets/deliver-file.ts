import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import { sameTold } from '../keyset/published/told.js';
import { mayOthersWrite } from '../outside/trusted-way.js';
import { resolveOwnership } from './accounts.js';
import { removeFile, replaceFile } from './atomic-file.js';
import type { DeliverFile } from './configured.js';
import { type OutletDirectory, openDirectory, whoElseOnTheWay } from './directory.js';
import type { Flaw } from './findings.js';
import { observeDelivered } from './observe.js';
import { privateKeyText } from './private-key-text.js';
import type { Target } from './target.js';

/** statfs(2): TMPFS_MAGIC and RAMFS_MAGIC. */
const MEMORY = [0x01021994, 0x858458f6];

/** A file in memory from which a signer reads the active private key. */
export function deliverFile(outlet: DeliverFile): Target {
  const [folder, name] = [dirname(outlet.path), basename(outlet.path)];
  return {
    label: outlet.path,
    kind: 'deliver',
    format: outlet.format,
    isCommand: false,
    runs: 0,
    folder,
    name,
    openFolder: () => openForKey(outlet, folder),
    flawOf: (directory) => flawOf(outlet, directory),
    observe: (path) => observeDelivered(outlet, path),
    holds({ keys, intact, alg, told }, { active }) {
      if (active === null) return keys === null;
      const [key] = keys ?? [];
      const named =
        outlet.format === 'pem' || (key?.kid === active.kid && alg === active.alg && sameTold(told, active.told));
      return intact && named && keys?.length === 1 && key?.thumbprint === active.thumbprint;
    },
    async text(content, privateKey) {
      if (content.active !== null) await resolveOwnership(outlet.owner, outlet.group);
      return privateKeyText(outlet.format, content, privateKey);
    },
    async put({ directory, bytes, newId }) {
      if (bytes === null) {
        await removeFile(directory, name);
        return;
      }
      const { uid, gid } = await resolveOwnership(outlet.owner, outlet.group);
      // Otherwise a directory with the setgid bit would choose the group.
      const group = gid === -1 ? (process.getegid?.() ?? -1) : gid;
      await replaceFile(directory, name, { content: bytes, mode: outlet.mode, uid, gid: group }, newId());
    },
  };
}

/** A key that is for jwtrot's own user needs no directory that others may enter. */
function openForKey({ owner, group, mode }: DeliverFile, folder: string): Promise<OutletDirectory> {
  const isOwn = owner === null && group === null && (mode & 0o077) === 0;
  return openDirectory(folder, { follow: false, isPrivate: isOwn });
}

/** Opens the directory if it is a safe place for a key. @throws JwtrotError */
export async function openForSecrets(outlet: DeliverFile, folder: string): Promise<OutletDirectory> {
  const directory = await openForKey(outlet, folder);
  try {
    const flaw = await flawOf(outlet, directory);
    if (flaw === null) return directory;
    throw new JwtrotError(flaw.kind, flaw.code, flaw.why, { hint: flaw.hint });
  } catch (error) {
    await directory.handle.close();
    throw error;
  }
}

/** It judges the open directory, so swapping the name afterwards changes nothing. */
async function flawOf(outlet: DeliverFile, directory: OutletDirectory): Promise<Flaw | null> {
  const flaw = await whoElseWrites(outlet, directory);
  return flaw ?? (outlet.allowDisk ? null : notInMemory(directory));
}

/** Anyone who can write in the directory can replace our key with their own. A sticky bit does not prevent that. */
async function whoElseWrites(outlet: DeliverFile, { handle, path }: OutletDirectory): Promise<Flaw | null> {
  const facts = await handle.stat();
  const { uid } = facts;
  if (mayOthersWrite(facts)) {
    return unsafe(path, 'group or others can write in it', `chmod go-w ${path}, or deliver to a directory of its own`);
  }
  const owner = await resolveOwnership(outlet.owner, null);
  if ([0, process.geteuid?.() ?? 0, owner.uid].includes(uid)) {
    // Anyone who can put another directory in its place chooses where the key goes.
    const way = await whoElseOnTheWay(path);
    const isOwners = way !== null && owner.uid !== -1 && (await whoElseOnTheWay(path, owner.uid)) === null;
    if (way === null || isOwners) return null;
    return unsafe(path, way, 'deliver below directories that only root and jwtrot may change');
  }
  return unsafe(
    path,
    `it belongs to user ${uid}`,
    `chown root ${path}, or set owner: ${uid} if that user is to own the key`,
  );
}

async function notInMemory({ through, path }: OutletDirectory): Promise<Flaw | null> {
  const { type } = await statfs(through);
  if (MEMORY.includes(type >>> 0)) return null;
  return {
    code: 'not-in-memory',
    kind: 'refused',
    why: `${path} is not on a tmpfs or ramfs: the private key would be on a disk`,
    hint: 'deliver below /run or /dev/shm, or allow the disk: allowDisk: true',
    yieldsToIncident: false,
  };
}

function unsafe(path: string, why: string, hint: string): Flaw {
  return {
    code: 'unsafe-directory',
    kind: 'refused',
    why: `${path} is no safe place for a private key: ${why}`,
    hint,
    yieldsToIncident: false,
  };
}
