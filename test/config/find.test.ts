import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { findConfiguration, type Surroundings } from '../../src/config/find.js';
import { failure, newDirectory, write } from './place.js';

const USER = 1000;
let root: string;
let here: Surroundings;
let files: Record<'option' | 'variable' | 'user' | 'system', string>;

beforeEach(async () => {
  root = await newDirectory();
  files = {
    option: await write(join(root, 'option.yaml'), ''),
    variable: await write(join(root, 'variable.yaml'), ''),
    user: await write(join(root, 'home/.config/jwtrot/jwtrot.yaml'), ''),
    system: await write(join(root, 'etc/jwtrot.yaml'), ''),
  };
  here = { env: {}, uid: USER, home: join(root, 'home'), systemConfig: files.system };
});

describe('The configuration is found', () => {
  test('at --config, before all others', async () => {
    const env = { JWTROT_CONFIG: files.variable };
    expect(await findConfiguration(files.option, { ...here, env })).toBe(files.option);
  });

  test('at $JWTROT_CONFIG, before the user’s own', async () => {
    expect(await findConfiguration(undefined, { ...here, env: { JWTROT_CONFIG: files.variable } })).toBe(
      files.variable,
    );
  });

  test('in the user’s configuration directory, before the host’s', async () => {
    expect(await findConfiguration(undefined, here)).toBe(files.user);
  });

  test('in $XDG_CONFIG_HOME, which counts only when it is absolute', async () => {
    const elsewhere = await write(join(root, 'xdg/jwtrot/jwtrot.yaml'), '');
    expect(await findConfiguration(undefined, { ...here, env: { XDG_CONFIG_HOME: join(root, 'xdg') } })).toBe(
      elsewhere,
    );
    expect(await findConfiguration(undefined, { ...here, env: { XDG_CONFIG_HOME: 'xdg' } })).toBe(files.user);
  });

  test('as root at the host’s path, never in a home directory', async () => {
    const env = { XDG_CONFIG_HOME: join(root, 'home/.config') };
    expect(await findConfiguration(undefined, { ...here, env, uid: 0 })).toBe(files.system);
  });

  test('at the host’s path when the user has none', async () => {
    expect(await findConfiguration(undefined, { ...here, home: join(root, 'none') })).toBe(files.system);
  });

  test('nowhere else: not in the current folder', async () => {
    const before = process.cwd();
    await write(join(root, 'cwd/jwtrot.yaml'), '');
    process.chdir(join(root, 'cwd'));
    try {
      const nowhere = { ...here, home: join(root, 'none'), systemConfig: join(root, 'none.yaml') };
      expect(await findConfiguration(undefined, nowhere)).toBeNull();
      expect(await findConfiguration(undefined, { ...nowhere, home: '', env: { JWTROT_CONFIG: '' } })).toBeNull();
    } finally {
      process.chdir(before);
    }
  });
});

describe('A configuration that was named', () => {
  test('must exist when --config names it', async () => {
    const error = await failure(findConfiguration('/none/jwtrot.yaml', here));
    expect(error).toMatchObject({ code: 'config-not-found', exit: 2, hint: 'name an existing file with --config' });
    expect(error.message).toBe(
      'configuration /none/jwtrot.yaml, named by --config, does not exist; nothing was touched',
    );
  });

  test('must exist when $JWTROT_CONFIG names it', async () => {
    const env = { JWTROT_CONFIG: '/none/jwtrot.yaml' };
    const error = await failure(findConfiguration(undefined, { ...here, env }));
    expect(error.hint).toBe('correct JWTROT_CONFIG, or unset it');
    expect(error.message).toContain('named by JWTROT_CONFIG, does not exist');
  });
});

describe('A configuration that is there but out of reach', () => {
  test('does not give way to the next one: a dangling link', async () => {
    await mkdir(join(root, 'other/.config/jwtrot'), { recursive: true });
    const link = join(root, 'other/.config/jwtrot/jwtrot.yaml');
    await symlink('/none/target.yaml', link);
    expect(await findConfiguration(undefined, { ...here, home: join(root, 'other') })).toBe(link);
  });

  test('does not give way to the next one: a directory that can not be looked into', async () => {
    await mkdir(join(root, 'loop/.config'), { recursive: true });
    await symlink('jwtrot', join(root, 'loop/.config/jwtrot'));
    const found = await findConfiguration(undefined, { ...here, home: join(root, 'loop') });
    expect(found).toBe(join(root, 'loop/.config/jwtrot/jwtrot.yaml'));
  });
});
