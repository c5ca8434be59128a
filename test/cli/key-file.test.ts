import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/cli/environment.js';
import { type KeyFileUse, readKeyFile } from '../../src/cli/key-file.js';
import type { JwtrotError } from '../../src/keyset/basics/error.js';

const UID = process.getuid?.() ?? 0;
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwtrot-key-'));
  writeFileSync(join(folder, 'key.pem'), 'a key', { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function environment(input: Iterable<Buffer> = []): Environment {
  return { uid: UID, stdin: Readable.from(input) } as unknown as Environment;
}

async function found(name: string, use: KeyFileUse): Promise<string> {
  return readKeyFile(join(folder, name), use, environment()).then(
    (bytes) => bytes.toString(),
    (error: JwtrotError) => `${error.code}: ${error.message} (${error.hint})`,
  );
}

describe('a key file', () => {
  it('is read as it is', async () => {
    expect(await found('key.pem', 'found')).toBe('a key');
    expect(await found('key.pem', 'adopted')).toBe('a key');
  });

  it.runIf(UID === 0)('that a leak was found in may be anybody’s; one that is adopted is ours or root’s', async () => {
    chownSync(join(folder, 'key.pem'), 4711, 4711);
    expect(await found('key.pem', 'found')).toBe('a key');
    const said = await found('key.pem', 'adopted');
    expect(said).toContain("can't be read: it belongs to user 4711, not to root; nothing was changed");
    expect(said).toContain(`give it on standard input: - < "${folder}/key.pem"`);
  });

  it('that is adopted is no link, and nobody else may write it', async () => {
    symlinkSync('key.pem', join(folder, 'link'));
    expect(await found('link', 'found')).toBe('a key');
    expect(await found('link', 'adopted')).toContain(`configure the file that it leads to, "${folder}/key.pem"`);
    chmodSync(join(folder, 'key.pem'), 0o666);
    expect(await found('key.pem', 'found')).toBe('a key');
    expect(await found('key.pem', 'adopted')).toContain('its mode 0666 lets others write it');
  });

  it.each<[KeyFileUse]>([['found'], ['adopted']])('is a file, when it is %s', async (use) => {
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    writeFileSync(join(folder, 'long'), 'x'.repeat(64 * 1024 + 1));
    expect(await found('fifo', use)).toMatch(/^key-unreadable: .*it is a FIFO, not a regular file/);
    expect(await found('.', use)).toMatch(/^key-unreadable: .*it is a directory/);
    expect(await found('../../dev/zero', use)).toMatch(/^key-unreadable: .*it is a device/);
    expect(await found('long', use)).toMatch(/^key-unreadable: .*larger than 65536 bytes/);
    expect(await found('none', use)).toMatch(/^key-unreadable: .*no such file/);
  });

  it('comes from standard input for - and /dev/stdin, of which no more than 64 KiB is taken', async () => {
    for (const name of ['-', '/dev/stdin']) {
      const chunks = [Buffer.from('a '), Buffer.from('key')];
      expect((await readKeyFile(name, 'adopted', environment(chunks))).toString()).toBe('a key');
      // What was read is in the answer alone.
      expect(Buffer.concat(chunks).every((byte) => byte === 0)).toBe(true);
    }
    function* endless() {
      for (;;) yield Buffer.alloc(16 * 1024);
    }
    await expect(readKeyFile('-', 'found', environment(endless()))).rejects.toMatchObject({
      code: 'key-unreadable',
      exit: 2,
      message: "standard input can't be read: it is longer than 65536 bytes; nothing was changed",
    });
  });
});
