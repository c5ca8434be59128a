import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { OutletPort } from '../../src/outlets/outlet.js';
import { newPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, recordsInMemory, remembering, toFile, tryToWrite, write } from './support.js';

let first: OutletContent;
let second: OutletContent;
beforeAll(async () => {
  const [one, two] = [await newPair(), await newPair()];
  const { knownKids } = contentOf(1, [one, two]);
  first = { ...contentOf(1, [one]), knownKids };
  second = contentOf(2, [one, two]);
});

interface Site {
  readonly folder: string;
  readonly path: string;
  readonly state: string;
  readonly port: OutletPort;
}

function site(mode: number, allowShared: boolean): Site {
  const root = diskFolder();
  const [folder, state] = [join(root, 'public'), join(root, 'state')];
  mkdirSync(folder);
  chmodSync(folder, mode);
  const path = join(folder, 'jwks.json');
  const records = recordsInMemory(remembering(1));
  return {
    folder,
    path,
    state,
    port: portOf({ publish: [toFile(path, { allowShared })], stateDirectory: state, records }),
  };
}

describe('a directory that others may write', () => {
  it.each([0o775, 0o757, 0o1777])('of mode %o is refused for a JWKS, unless that is allowed', async (mode) => {
    const { folder, port } = site(mode, false);
    await expect(write(port, first)).rejects.toMatchObject({
      code: 'shared-directory',
      exit: 5,
      message: expect.stringContaining(`others could replace the JWKS in ${folder}: group or others can write in it`),
      hint: expect.stringContaining('allowShared: true'),
    });
    expect(readdirSync(folder)).toEqual([]);
    const allowed = site(mode, true);
    expect(await write(allowed.port, first)).toMatchObject({ publish: true });
    expect(readFileSync(allowed.path, 'utf8')).toBe(jwkSetText(first.jwks));
  });

  it('on the way to it is the same: it could be put in its place', async () => {
    const { folder } = site(0o755, false);
    const outer = join(folder, 'outer');
    mkdirSync(join(outer, 'inner'), { recursive: true });
    chmodSync(outer, 0o777);
    const port = portOf({ publish: [toFile(join(outer, 'inner', 'jwks.json'))] });
    await expect(write(port, first)).rejects.toMatchObject({
      code: 'shared-directory',
      message: expect.stringContaining(`others can write in "${outer}" on the way to it`),
    });
    chmodSync(outer, 0o1777);
    expect(await write(port, first)).toMatchObject({ publish: true });
  });

  it('of another user is one, too', async () => {
    const { folder, port } = site(0o755, false);
    // Only root can give it away; anybody else finds a directory of root's, who is trusted.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(folder, 54_321, 54_321);
    const { problems } = await tryToWrite(port, first);
    expect(problems.map(({ code }) => code)).toEqual(isRoot ? ['shared-directory'] : []);
  });

  it('that is refused keeps no other outlet from being written', async () => {
    const [bad, good] = [site(0o777, false), site(0o755, false)];
    const { problems, publish } = await tryToWrite(
      portOf({ publish: [...bad.port.publish, ...good.port.publish], stateDirectory: bad.state }),
      first,
    );
    expect(problems.map(({ outlet }) => outlet)).toEqual([bad.path]);
    expect([publish, existsSync(good.path)]).toEqual([true, true]);
  });

  it('is written in an incident all the same, and named', async () => {
    const { path, port } = site(0o777, false);
    const { problems } = await tryToWrite(port, { ...first, isIncident: true });
    expect(problems).toMatchObject([{ code: 'shared-directory', kind: 'services' }]);
    expect(problems[0]?.message).toContain('was written all the same, since an incident is open');
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(first.jwks));
  });

  it('has neither record nor lock beside its outlet: they lie in the state directory', async () => {
    const { folder, state, port } = site(0o777, true);
    await write(port, first);
    expect(readdirSync(folder)).toEqual(['jwks.json']);
    expect(readdirSync(state)).toEqual([expect.stringMatching(/^[0-9a-f]{16}\.lock$/)]);
  });

  it('lets nobody hold up a run by a lock or a record that he makes there', async () => {
    const { folder, path, port } = site(0o777, true);
    for (const name of ['.jwks.json.jwtrot', '.jwks.json.jwtrot-lock']) writeFileSync(join(folder, name), 'garbage');
    const holder = spawn('flock', [join(folder, '.jwks.json.jwtrot-lock'), 'sleep', '30'], { detached: true });
    try {
      await new Promise((go) => setTimeout(go, 200));
      expect(await write(port, first)).toMatchObject({ publish: true });
      expect(readFileSync(path, 'utf8')).toBe(jwkSetText(first.jwks));
    } finally {
      process.kill(-(holder.pid ?? 0), 'SIGKILL');
    }
  });

  it('of which the host remembers a later revision is not set back', async () => {
    const { path, state } = site(0o777, true);
    const records = recordsInMemory(remembering(2));
    const port = portOf({ publish: [toFile(path, { allowShared: true })], stateDirectory: state, records });
    await write(port, second);
    await expect(write(port, first)).rejects.toMatchObject({ code: 'older-revision' });
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(second.jwks));
  });
});

describe('what somebody plants where others may write', () => {
  it('a link under the outlet’s name is replaced, not followed', async () => {
    const { folder, path, port } = site(0o1777, true);
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'dear');
    await write(port, first);
    for (const link of [symlinkSync, linkSync]) {
      unlinkSync(path);
      link(victim, path);
      expect(await write(port, second)).toMatchObject({ publish: true });
      expect(readFileSync(victim, 'utf8')).toBe('dear');
      expect(lstatSync(path).isFile()).toBe(true);
      await write(port, { ...second, revision: 3 });
    }
  });

  it('a file with the very text that is someone else’s: it is replaced by one of jwtrot’s', async () => {
    const { path, port } = site(0o1777, true);
    await write(port, first);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(path, 54_321, 54_321);
    expect(await port.observe(1_000)).toMatchObject([{ intact: !isRoot }]);
    expect(await write(port, first)).toMatchObject({ publish: isRoot });
    expect(statSync(path).uid).toBe(process.geteuid?.());
  });

  it('a directory that is named like something left behind is no obstacle', async () => {
    const { folder, path, port } = site(0o777, true);
    mkdirSync(join(folder, '.jwks.json.6f1c.jwtrot-tmp'));
    expect(await write(port, first)).toMatchObject({ publish: true });
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(first.jwks));
  });

  it('a file under the temporary name, when it has been written: it is found out', async () => {
    const { folder, path } = site(0o777, true);
    // Who may list the directory may do that between two calls of a write.
    let stop = false;
    const swap = async () => {
      while (!stop) {
        for (const name of readdirSync(folder).filter((one) => one.endsWith('.jwtrot-tmp'))) {
          try {
            renameSync(join(folder, name), join(folder, 'stolen'));
            writeFileSync(join(folder, name), 'mine\n');
            return;
          } catch {
            // It was renamed a moment earlier.
          }
        }
        await new Promise((go) => setImmediate(go));
      }
    };
    let outcome: unknown = null;
    const records = recordsInMemory(remembering(1));
    const port = portOf({ publish: [toFile(path, { allowShared: true })], stateDirectory: join(folder, 's'), records });
    for (let round = 1; round < 60 && outcome === null; round += 1) {
      const swapping = swap();
      const { problems } = await tryToWrite(port, { ...(round % 2 === 0 ? first : second), revision: round });
      stop = true;
      await swapping;
      stop = false;
      if (existsSync(path) && readFileSync(path, 'utf8') === 'mine\n') outcome = problems[0]?.code;
    }
    expect(outcome).toBe('replaced-meanwhile');
  });
});
