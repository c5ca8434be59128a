import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { removeLeftovers, replaceFile } from '../../src/outlets/atomic-file.js';
import { openDirectory } from '../../src/outlets/directory.js';
import { diskFolder } from './support.js';

it('What this process is about to put in place is not left over, what a killed one left is', async () => {
  const folder = diskFolder();
  const directory = await openDirectory(folder, { follow: false });
  const left = '.jwks.json.0b7e.jwtrot-tmp';
  writeFileSync(join(folder, left), '');
  const large = Buffer.alloc(32 * 1024 * 1024);
  const replaced = replaceFile(directory, 'jwks.json', { content: large, mode: 0o600, uid: -1, gid: -1 }, '1c27');
  while (!readdirSync(folder).includes('.jwks.json.1c27.jwtrot-tmp')) await turn();
  await removeLeftovers(directory, 'jwks.json');
  await replaced;
  expect(readdirSync(folder)).toEqual(['jwks.json']);
  await directory.handle.close();
});
