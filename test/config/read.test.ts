import { execFileSync } from 'node:child_process';
import { chown, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LARGEST_CONFIGURATION, readConfiguration } from '../../src/config/read.js';
import { failure, newDirectory, UID, write } from './place.js';

describe('A configuration is read', () => {
  test('when only its owner can write it', async () => {
    const path = await write(join(await newDirectory(), 'a.yaml'), 'keysets: {}\n', 0o644);
    expect(await readConfiguration(path, UID)).toBe('keysets: {}\n');
  });

  test('through a symbolic link', async () => {
    const directory = await newDirectory();
    await symlink(await write(join(directory, 'a.yaml'), 'x'), join(directory, 'link.yaml'));
    expect(await readConfiguration(join(directory, 'link.yaml'), UID)).toBe('x');
  });
});

describe('A configuration is refused', () => {
  test.each([
    [0o666, '0666'],
    [0o620, '0620'],
    [0o602, '0602'],
  ])('when others can write it (%o)', async (mode, shown) => {
    const path = await write(join(await newDirectory(), 'a.yaml'), 'x', mode);
    const error = await failure(readConfiguration(path, UID));
    expect(error.message).toBe(
      `configuration ${path} can be written by others (mode ${shown}): they could name commands to run; nothing was touched`,
    );
    expect(error).toMatchObject({ code: 'config-writable', exit: 2, hint: `chmod go-w ${path}` });
  });

  test('when what a link leads to can be written by others', async () => {
    const directory = await newDirectory();
    await symlink(await write(join(directory, 'a.yaml'), 'x', 0o666), join(directory, 'link.yaml'));
    expect((await failure(readConfiguration(join(directory, 'link.yaml'), UID))).code).toBe('config-writable');
  });

  test('when it belongs to someone else', async () => {
    const path = await write(join(await newDirectory(), 'a.yaml'), 'x');
    const owner = UID === 0 ? 4711 : UID;
    if (UID === 0) await chown(path, owner, 0);
    const error = await failure(readConfiguration(path, owner + 1));
    expect(error).toMatchObject({
      code: 'config-owner',
      exit: 2,
      hint: `run it as uid ${owner}, its owner (sudo -u '#${owner}' jwtrot ...), or chown ${owner + 1} ${path}`,
    });
    expect(error.message).toContain(`belongs to uid ${owner}, neither root nor uid ${owner + 1}`);
    expect(await readConfiguration(path, owner)).toBe('x');
  });

  test('when it is larger than 1 MiB', async () => {
    const path = await write(join(await newDirectory(), 'a.yaml'), '#'.repeat(LARGEST_CONFIGURATION + 1));
    expect((await failure(readConfiguration(path, UID))).message).toContain('is larger than 1 MiB');
    await write(path, '#'.repeat(LARGEST_CONFIGURATION));
    expect(await readConfiguration(path, UID)).toHaveLength(LARGEST_CONFIGURATION);
  });

  test('when it is not UTF-8', async () => {
    const path = await write(join(await newDirectory(), 'a.yaml'), new Uint8Array([0x61, 0xff]));
    expect((await failure(readConfiguration(path, UID))).message).toContain('is not UTF-8 text');
  });

  test('when it is a directory or a FIFO, without waiting for a writer', async () => {
    const directory = await newDirectory();
    execFileSync('mkfifo', ['-m', '600', join(directory, 'fifo')]);
    for (const path of [directory, join(directory, 'fifo')]) {
      expect((await failure(readConfiguration(path, UID))).message).toContain('not a regular file');
    }
  });

  test('when it has gone since it was found', async () => {
    expect((await failure(readConfiguration('/none/jwtrot.yaml', UID))).code).toBe('config-not-found');
  });
});
