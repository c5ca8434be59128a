import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { realFiles } from './durable-files.js';
import { unlessHanging } from './hanging.js';
import type { Work } from './host.js';

/*
 * A manifest's word is not enough to end a process: anyone who can write one keyset's manifest could name a run of the
 * same program and user that works on another keyset. So while a run holds the lease, it keeps a file of this host open,
 * one for each keyset and store. The kernel shows which files a process has open (proc_pid_fd(5)). A user who can only
 * write manifests can't make another process open a file. The evidence ends with the process, so nobody can be misled by
 * it later.
 */

/** Milliseconds to wait for a state directory whose server is gone. */
const PATIENCE = 2_000;

function pathOf(folder: string, { keyset, store }: Work): string {
  return join(folder, `.run-${keyset}-${createHash('sha256').update(store).digest('hex').slice(0, 16)}`);
}

/** The name that records use too: if their directory hangs already, this doesn't wait for it again. */
function placeOf(folder: string, { keyset }: Work): string {
  return join(folder, keyset);
}

/**
 * Shows that this process works on `work`. If that fails, other runs don't end this process; nothing else changes.
 * @param folder only this user and root may write there
 * @returns a function that ends it
 */
export async function showWork(folder: string, work: Work): Promise<() => Promise<void>> {
  const path = pathOf(folder, work);
  const flags = constants.O_RDONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const close = (file: FileHandle) => file.close().catch(() => undefined);
  const opening = () => realFiles.open(path, flags, 0o600);
  const file = await unlessHanging(placeOf(folder, work), opening, PATIENCE, close).catch(() => null);
  return async () => {
    if (file !== null) await close(file);
  };
}

/** Whether a process of this user shows that it works on `work`. */
export async function showsWork(pid: number, folder: string, work: Work): Promise<boolean> {
  const path = pathOf(folder, work);
  const look = async () => {
    const wanted = await stat(path);
    for (const name of await readdir(`/proc/${pid}/fd`)) {
      const descriptor = `/proc/${pid}/fd/${name}`;
      // Compare names first, since stat on the other open files may hang. Then compare inodes, since the name may lead
      // elsewhere in the process's mounts.
      const named = await readlink(descriptor).catch(() => '');
      if (basename(named) !== basename(path)) continue;
      const opened = await stat(descriptor).catch(() => null);
      if (opened !== null && opened.ino === wanted.ino && opened.dev === wanted.dev) return true;
    }
    return false;
  };
  return unlessHanging(placeOf(folder, work), look, PATIENCE).catch(() => false);
}
