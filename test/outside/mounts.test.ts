import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { answers } from '../../src/outside/answers.js';
import { waitsForOthers } from '../../src/outside/mounts.js';

/** As in proc_pid_mountinfo(5). */
const mount = (at: string, type: string) =>
  `36 35 98:0 /mnt1 ${at} rw,noatime master:1 - ${type} source rw,errors=continue`;
const LOCAL = [mount('/', 'ext4'), mount('/run', 'tmpfs'), mount('/proc', 'proc'), mount('/srv', 'overlay')];

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('mounts that may wait for somebody else', () => {
  it('are none of a disk, of memory or of the kernel', () => {
    expect(waitsForOthers(`${LOCAL.join('\n')}\n`)).toBe(false);
    expect(waitsForOthers([...LOCAL, mount('/proc/sys/fs/binfmt_misc', 'autofs')].join('\n'))).toBe(false);
  });

  it.each(['nfs', 'nfs4', 'cifs', 'fuse.sshfs', 'fuse', 'ceph', '9p', 'virtiofs', 'autofs', 'afs', 'made-up'])(
    'are those of type %s',
    (type) => {
      expect(waitsForOthers([...LOCAL, mount('/srv/jwks', type)].join('\n'))).toBe(true);
    },
  );

  it('are told by the type behind the hyphen, however many fields stand before it', () => {
    expect(waitsForOthers('36 35 98:0 / /a rw - nfs server:/ rw')).toBe(true);
    expect(waitsForOthers('36 35 98:0 / /nfs rw shared:1 master:2 - ext4 /dev/sda rw')).toBe(false);
    expect(waitsForOthers('')).toBe(false);
  });
});

describe('a directory', () => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'jwtrot-answers-'));
    folders.push(made);
    return made;
  };

  it('answers, whether it is there or not', async () => {
    expect(await answers(tmpdir(), 5_000)).toBe(true);
    expect(await answers('/nonexistent/directory', 5_000)).toBe(true);
    expect(await answers('-rf', 5_000)).toBe(true);
  });

  it('that keeps its asker waiting does not', async () => {
    const path = folder();
    writeFileSync(join(path, 'stat'), '#!/bin/sh\nexec /bin/sleep 30\n', { mode: 0o755 });
    const began = performance.now();
    expect(await answers('/srv', 300, path)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('can not be asked where there is no stat: it is taken to answer', async () => {
    expect(await answers('/srv', 5_000, folder())).toBe(true);
  });
});
