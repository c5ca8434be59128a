import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface DeadMount {
  /** The server is gone for good: whoever waits gets an error, and what lay under the mount is there again. */
  end(): void;
}

/**
 * Mounts a file system that never answers over a directory, as one whose server is gone: FUSE, with nobody behind it. Needs
 * root, as the tests under systemd do.
 */
export function deadMount(directory: string): DeadMount {
  const device = openSync('/dev/fuse', 'r+');
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
  const { status, stderr } = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'dead', directory], {
    stdio: ['ignore', 'ignore', 'pipe', device],
  });
  if (status !== 0) {
    closeSync(device);
    throw new Error(`this test needs a FUSE mount (root, CAP_SYS_ADMIN, /dev/fuse): ${stderr.toString()}`);
  }
  return {
    end() {
      spawnSync('umount', ['-l', directory]);
      closeSync(device);
    },
  };
}

/** Another process that holds a file's lock until it is ended. */
export async function lockHolder(path: string): Promise<ChildProcess> {
  // `-o`: the program that it runs does not hold the lock on.
  const holder = spawn('flock', ['-o', path, 'sh', '-c', 'echo held; exec sleep 120'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  await new Promise((held) => holder.stdout?.once('data', held));
  return holder;
}
