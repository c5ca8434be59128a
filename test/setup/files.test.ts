import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apply, compare } from '../../src/setup/files.js';
import type { SetupFile } from '../../src/setup/render.js';

const DROP_IN = '/etc/systemd/system/jwtrot.service.d/10-jwtrot-sandbox.conf';
const UNIT = '/etc/systemd/system/jwtrot.service';
const file = (path: string, text: string, mode = 0o644): SetupFile => ({
  path,
  text: `# Written by \`jwtrot setup systemd\`.\n${text}\n`,
  mode,
});

let root = '';
let umask = 0;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'jwtrot-files-'));
  umask = process.umask(0o077);
});
afterEach(() => {
  process.umask(umask);
  rmSync(root, { recursive: true });
});

async function setup(files: readonly SetupFile[], managed: readonly string[] = [UNIT, DROP_IN]) {
  const changes = await compare(files, managed, root);
  await apply(changes, root);
  return Object.fromEntries(changes.map(({ path, type }) => [path, type]));
}

describe('the files of setup', () => {
  it('are written, left alone when they are right, brought up to date, and removed when they are not needed', async () => {
    expect(await setup([file(UNIT, 'a'), file(DROP_IN, 'b')])).toEqual({ [UNIT]: 'create', [DROP_IN]: 'create' });
    expect(await setup([file(UNIT, 'a'), file(DROP_IN, 'b')])).toEqual({ [UNIT]: 'keep', [DROP_IN]: 'keep' });
    chmodSync(join(root, UNIT), 0o600);
    expect(await setup([file(UNIT, 'a'), file(DROP_IN, 'c')])).toEqual({ [UNIT]: 'update', [DROP_IN]: 'update' });
    expect(readFileSync(join(root, DROP_IN), 'utf8')).toContain('\nc\n');
    expect(await setup([file(UNIT, 'a')])).toEqual({ [UNIT]: 'keep', [DROP_IN]: 'remove' });
    expect(existsSync(dirname(join(root, DROP_IN)))).toBe(false);
  });

  it('can be read by everybody, whatever the umask', async () => {
    await setup([file(UNIT, 'a'), file(DROP_IN, 'b')]);
    expect(statSync(join(root, UNIT)).mode & 0o777).toBe(0o644);
    expect(statSync(dirname(join(root, DROP_IN))).mode & 0o777).toBe(0o755);
  });

  it('leave drop-ins of others and their folder', async () => {
    await setup([file(UNIT, 'a'), file(DROP_IN, 'b')]);
    const local = join(dirname(join(root, DROP_IN)), 'override.conf');
    writeFileSync(local, '[Service]\n');
    expect(await setup([])).toEqual({ [UNIT]: 'remove', [DROP_IN]: 'remove' });
    expect(readFileSync(local, 'utf8')).toBe('[Service]\n');
  });

  it('never take the place of a file of somebody else, nor remove it', async () => {
    mkdirSync(dirname(join(root, UNIT)), { recursive: true });
    writeFileSync(join(root, UNIT), '[Service]\nExecStart=mine\n');
    await expect(compare([file(UNIT, 'a')], [UNIT], root)).rejects.toMatchObject({ code: 'foreign-file', exit: 5 });
    expect(await setup([])).toEqual({});
    expect(readFileSync(join(root, UNIT), 'utf8')).toContain('mine');
  });
});
