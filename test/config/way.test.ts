import { spawn } from 'node:child_process';
import { chmod, chown, lchown, mkdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfiguration } from '../../src/config/read.js';
import { failure, newDirectory, UID, write } from './place.js';

const STRANGER = 4711;
const isRoot = UID === 0;

/** `a/b/jwtrot.yaml` in a folder of the test's own, and the folder. */
async function made(): Promise<{ folder: string; path: string }> {
  const folder = await newDirectory();
  await mkdir(join(folder, 'a/b'), { recursive: true, mode: 0o755 });
  return { folder, path: await write(join(folder, 'a/b/jwtrot.yaml'), 'keysets: {}\n') };
}

describe('Every directory on the way to a configuration', () => {
  test.each([
    ['all', 0o777],
    ['a group', 0o775],
  ])('is refused when %s may write it', async (_who, mode) => {
    const { folder, path } = await made();
    await chmod(join(folder, 'a'), mode);
    const error = await failure(readConfiguration(path, UID));
    expect(error).toMatchObject({ code: 'config-writable', exit: 2 });
    expect(error.message).toBe(
      `configuration ${path} is reached by ${folder}/a, which can be written by others (mode 0${mode.toString(8)}): they could name commands to run; nothing was touched`,
    );
    expect(error.hint).toMatch(`chmod go-w ${folder}/a, or keep it in a directory of your own or root's`);
  });

  test('may be written by all when it is sticky and what comes next is ours', async () => {
    const { folder, path } = await made();
    await chmod(join(folder, 'a'), 0o1777);
    expect(await readConfiguration(path, UID)).toBe('keysets: {}\n');
  });

  test.runIf(isRoot)(
    'is refused when it is a stranger’s, and in a sticky one so is what a stranger put there',
    async () => {
      const { folder, path } = await made();
      await chown(join(folder, 'a'), STRANGER, 0);
      expect(await failure(readConfiguration(path, UID))).toMatchObject({
        code: 'config-owner',
        message: expect.stringContaining(
          `is reached by ${folder}/a, which belongs to uid ${STRANGER}, and root runs jwtrot: its owner could name`,
        ),
        hint: `run it as uid ${STRANGER}, its owner (sudo -u '#${STRANGER}' jwtrot ...), or keep it in a directory of your own or root's`,
      });
      await chown(join(folder, 'a'), 0, 0);
      await chmod(join(folder, 'a'), 0o1777);
      await symlink(path, join(folder, 'a/planted.yaml'));
      await lchown(join(folder, 'a/planted.yaml'), STRANGER, 0);
      expect(await failure(readConfiguration(join(folder, 'a/planted.yaml'), UID))).toMatchObject({
        code: 'config-owner',
        message: expect.stringContaining(`is reached by ${folder}/a/planted.yaml, which belongs to uid ${STRANGER}`),
        hint: "keep it in a directory of your own or root's",
      });
    },
  );

  test('counts where a link leads, too', async () => {
    const { folder, path } = await made();
    const links = await newDirectory();
    await symlink(join(folder, 'a'), join(links, 'etc'));
    await symlink('etc/../a/./b', join(links, 'deep'));
    expect(await readConfiguration(join(links, 'etc/b/jwtrot.yaml'), UID)).toBe('keysets: {}\n');
    // The kernel's own answer: `..` leads up from where `etc` leads to.
    expect(await readConfiguration(join(links, 'deep/jwtrot.yaml'), UID)).toBe('keysets: {}\n');
    await chmod(join(folder, 'a/b'), 0o777);
    const error = await failure(readConfiguration(join(links, 'etc/b/jwtrot.yaml'), UID));
    expect(error.message).toContain(`is reached by ${folder}/a/b, which can be written by others`);
    expect(await readlink(join(links, 'etc'))).toBe(join(folder, 'a'));
    await chmod(join(folder, 'a/b'), 0o755);
    expect(await readConfiguration(path, UID)).toBe('keysets: {}\n');
  });

  test('is walked only so far: links in a circle are none', async () => {
    const links = await newDirectory();
    await symlink('two', join(links, 'one'));
    await symlink('one', join(links, 'two'));
    expect(await failure(readConfiguration(join(links, 'one'), UID))).toMatchObject({
      code: 'config-unreadable',
      message: expect.stringContaining('leads nowhere'),
    });
    await symlink('nothing', join(links, 'dangling'));
    expect((await failure(readConfiguration(join(links, 'dangling'), UID))).code).toBe('config-not-found');
  });
});

describe('What a process says about itself', () => {
  test('is no configuration: a link to its command line is refused', async () => {
    const evil = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', 'keysets: {a: {}}\n'], {
      stdio: 'ignore',
    });
    onTestFinished(() => void evil.kill('SIGKILL'));
    const links = await newDirectory();
    await symlink(`/proc/${evil.pid}/cmdline`, join(links, 'jwtrot.yaml'));
    expect(await failure(readConfiguration(join(links, 'jwtrot.yaml'), UID))).toMatchObject({
      code: 'config-unreadable',
      message: expect.stringContaining('it lies in procfs'),
    });
  });

  test('nor is anything in sysfs', async () => {
    const error = await failure(readConfiguration('/sys/kernel/uevent_seqnum', UID));
    expect(error.message).toContain('it lies in sysfs');
  });
});
