import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { Decrypter } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RotateDocument, StatusDocument } from './fixtures.js';
import { type Ran, World } from './world.js';

const PASSPHRASE = 'correct horse battery staple';
let world: World;

function configure(changes: object = {}): void {
  world.configure({
    store: { type: 'directory', path: world.path('state/store') },
    wrap: { type: 'local', kek: { file: world.path('etc/kek') } },
    keysets: { api: { alg: 'ES256', maxTokenTtl: '1h' } },
    ...changes,
  });
}

beforeEach(() => {
  world = new World();
  configure();
});
afterEach(() => world.close());

async function active(): Promise<string | null> {
  const { document } = await world.json<StatusDocument>(['status']);
  return document.keysets[0]?.keys.find((key) => key.state === 'active')?.kid ?? null;
}

async function rotate(...options: string[]): Promise<string> {
  const { code, document } = await world.json<RotateDocument>(['rotate', ...options]);
  expect(code).toBe(0);
  return document.keysets[0]!.active!;
}

function loseStore(): void {
  renameSync(world.path('state'), world.path(`lost-${Date.now()}`));
}

function withPassphrase(): string {
  writeFileSync(world.path('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  return world.path('passphrase');
}

function refusal({ code, stderr }: Ran): { code: number | null; stderr: string } {
  return { code, stderr };
}

describe('store backup and store restore', { timeout: 60_000 }, () => {
  it('bring a lost store back, in a file for its owner alone', async () => {
    const first = await rotate();
    const { code, document } = await world.json(['store', 'backup', 'monday']);
    expect({ code, document }).toEqual({
      code: 0,
      document: {
        schema: 1,
        backup: {
          file: world.path('monday'),
          encrypted: false,
          kek: false,
          keysets: [{ name: 'api', revision: expect.any(Number), keys: 1 }],
          missing: [],
        },
      },
    });
    expect(statSync(world.path('monday')).mode & 0o777).toBe(0o600);
    expect(readdirSync(world.folder).filter((name) => name.includes('monday'))).toEqual(['monday']);
    const kek = readFileSync(world.path('etc/kek'), 'utf8').trim();
    expect(readFileSync(world.path('monday'), 'utf8')).not.toContain(kek);

    loseStore();
    const restored = await world.run(['store', 'restore', 'monday']);
    expect(restored).toMatchObject({
      code: 0,
      stderr: 'next: jwtrot rotate (this host and its outlets know of nothing later)\n',
    });
    expect(restored.stdout).toMatch(
      /^api: revision \d+, 1 wrapped key\nrestored .*state\/store from the backup of 20.*Z\n$/,
    );
    expect(await active()).toBe(first);
    // It can be unwrapped and gone on with.
    await rotate('--immediate');
    expect((await world.json<StatusDocument>(['status'])).document.keysets[0]!.keys).toHaveLength(2);
  });

  it('overwrite nothing: no file, no store', async () => {
    await rotate();
    await world.run(['store', 'backup', 'monday']);
    const before = readFileSync(world.path('monday'));
    expect(refusal(await world.run(['store', 'backup', 'monday']))).toEqual({
      code: 2,
      stderr: expect.stringMatching(/there is such a file; nothing was written\nhint: give another name/),
    });
    expect(readFileSync(world.path('monday'))).toEqual(before);
    const second = await rotate('--immediate');
    const { code, document } = await world.json<{ error: object }>(['store', 'restore', 'monday']);
    expect({ code, error: document.error }).toEqual({
      code: 5,
      error: {
        code: 'store-not-empty',
        exit: 5,
        message: expect.stringContaining('it holds "api"'),
        hint: expect.stringMatching(/^if it is of no use any more, move it away first: mv /),
      },
    });
    expect(await active()).toBe(second);
  });

  it('refuse what is damaged, cut off or foreign before anything is touched', async () => {
    await rotate();
    await world.run(['store', 'backup', 'monday']);
    loseStore();
    const text = readFileSync(world.path('monday'), 'utf8');
    const cases: [name: string, text: string, code: number, says: RegExp][] = [
      ['cut', text.slice(0, -20), 5, /is damaged: it is cut off/],
      ['changed', text.replace('"alg\\":\\"ES256', '"alg\\":\\"ES384'), 5, /is damaged: its digest/],
      ['foreign', '{"keys":[]}\n', 5, /is no backup of jwtrot's; nothing was restored/],
      ['empty', '', 5, /is no backup of jwtrot's/],
      ['age', 'age-encryption.org/v1\nnonsense', 5, /is damaged or cut off/],
    ];
    for (const [name, content, code, says] of cases) {
      writeFileSync(world.path(name), content, { mode: 0o600 });
      const ran = await world.run(['store', 'restore', name, '--passphrase-file', withPassphrase()]);
      expect(refusal(ran), name).toEqual({ code, stderr: expect.stringMatching(says) });
    }
    chmodSync(world.path('monday'), 0o666);
    expect(refusal(await world.run(['store', 'restore', 'monday']))).toEqual({
      code: 2,
      stderr: expect.stringMatching(/its mode 0666 .*; nothing was changed\n/),
    });
    expect(existsSync(world.path('state'))).toBe(false);
    expect(await world.run(['store', 'restore', '-'], { stdin: text })).toMatchObject({ code: 0 });
  });

  it('name what serves a store that is not in a directory', async () => {
    configure({ store: { type: 'secrets-manager' } });
    for (const verb of ['backup', 'restore']) {
      const { code, document } = await world.json<{ error: object }>(['store', verb, 'passwd']);
      expect({ code, error: document.error }).toEqual({
        code: 2,
        error: expect.objectContaining({ code: 'other-store', hint: expect.stringContaining('restore-secret') }),
      });
    }
    expect(existsSync(world.path('passwd'))).toBe(false);
  });

  it('may be taken while runs write, and each is whole', async () => {
    await rotate();
    for (let i = 0; i < 3; i += 1) {
      const running = world.start(['rotate', '--immediate']);
      expect((await world.run(['store', 'backup', `during-${i}`])).code).toBe(0);
      expect((await running.ended).code).toBe(0);
    }
    for (let i = 0; i < 3; i += 1) {
      loseStore();
      expect(await world.run(['store', 'restore', `during-${i}`])).toMatchObject({ code: 0 });
      // Whatever it was in the midst of is settled.
      await rotate('--immediate');
    }
  });
});

describe('a backup with the KEK', { timeout: 60_000 }, () => {
  it('is in the format of age, and puts the KEK only where none is', async () => {
    const first = await rotate();
    const file = withPassphrase();
    const made = await world.run(['store', 'backup', 'all.age', '--with-kek', '--passphrase-file', file]);
    expect(made.stdout).toMatch(/wrote .*all\.age, encrypted, with the KEK; read back and checked\n$/);
    const bytes = readFileSync(world.path('all.age'));
    expect(bytes.subarray(0, 22).toString()).toBe('age-encryption.org/v1\n');
    const kek = readFileSync(world.path('etc/kek'), 'utf8').trim();
    for (const secret of [kek, 'jwtrot-backup', first]) expect(bytes.includes(secret)).toBe(false);
    const decrypter = new Decrypter();
    decrypter.addPassphrase(PASSPHRASE);
    const plain = Buffer.from(await decrypter.decrypt(bytes)).toString();
    expect(plain).toContain(`{"type":"kek","kek":"${kek}"}\n`);
    if (spawnSync('age', ['--version']).status === 0) expect(byAge(world.path('all.age'))).toContain(kek);

    loseStore();
    rmSync(world.path('etc'), { recursive: true });
    const restored = await world.run(['store', 'restore', 'all.age', '--passphrase-file', '-'], { stdin: PASSPHRASE });
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nrestored the KEK .*etc\/kek\n$/) });
    expect(statSync(world.path('etc/kek')).mode & 0o777).toBe(0o600);
    expect(readFileSync(world.path('etc/kek'), 'utf8').trim()).toBe(kek);
    await rotate('--immediate');
    expect((await world.json<StatusDocument>(['status'])).document.keysets[0]!.keys.map((key) => key.kid)).toContain(
      first,
    );
  });

  it('is refused beside another KEK, and with another passphrase', async () => {
    await rotate();
    const file = withPassphrase();
    await world.run(['store', 'backup', 'all.age', '--with-kek', '--passphrase-file', file]);
    await world.run(['store', 'backup', 'bare']);
    loseStore();
    const wrong = await world.run(['store', 'restore', 'all.age', '--passphrase-file', '-'], { stdin: 'another one' });
    expect(refusal(wrong)).toEqual({ code: 2, stderr: expect.stringContaining('the passphrase does not open') });

    renameSync(world.path('etc/kek'), world.path('etc/kek.former'));
    writeFileSync(world.path('etc/kek'), Buffer.alloc(32, 7), { mode: 0o600 });
    for (const name of ['all.age', 'bare']) {
      const ran = await world.run(['store', 'restore', name, '--passphrase-file', file]);
      expect(refusal(ran), name).toEqual({
        code: 5,
        stderr: expect.stringMatching(/another KEK than|is not the one that/),
      });
    }
    expect(existsSync(world.path('state'))).toBe(false);
    copyFileSync(world.path('etc/kek.former'), world.path('etc/kek'));
    expect((await world.run(['store', 'restore', 'all.age', '--passphrase-file', file])).code).toBe(0);
  });

  it('says how the KEK becomes a systemd credential', async () => {
    configure({ wrap: { type: 'local', kek: { credential: 'jwtrot-kek' } } });
    mkdirSync(world.path('credentials'), { mode: 0o700 });
    execFileSync('sh', [
      '-c',
      `head -c 32 /dev/urandom > ${world.path('credentials/jwtrot-kek')}; chmod 400 ${world.path('credentials/jwtrot-kek')}`,
    ]);
    const env = { CREDENTIALS_DIRECTORY: world.path('credentials') };
    expect((await world.run(['rotate'], { env })).code).toBe(0);
    const file = withPassphrase();
    expect((await world.run(['store', 'backup', 'b', '--with-kek', '--passphrase-file', file], { env })).code).toBe(0);
    loseStore();
    const restored = await world.run(['store', 'restore', 'b', '--passphrase-file', file]);
    expect(restored.code).toBe(0);
    const command =
      /as root: (age -d .* \| )(sed -n .* \| )systemd-creds encrypt --name=jwtrot-kek - \/etc\/credstore.encrypted\/jwtrot-kek\n/.exec(
        restored.stderr,
      );
    expect(command?.[1]).toBe(`age -d ${world.path('b')} | `);
    // The same KEK comes out of it.
    const decrypter = new Decrypter();
    decrypter.addPassphrase(PASSPHRASE);
    const plain = Buffer.from(await decrypter.decrypt(readFileSync(world.path('b'))));
    const line = execFileSync('sh', ['-c', `${command?.[2]}cat`], { input: plain })
      .toString()
      .trim();
    expect(Buffer.from(line, 'base64url')).toEqual(readFileSync(world.path('credentials/jwtrot-kek')));
  });

  it('needs a passphrase that nobody else may read, and a KEK that fits', async () => {
    await rotate();
    const file = withPassphrase();
    const backup = (...options: string[]) => world.run(['store', 'backup', 'all.age', ...options]);
    expect(refusal(await backup('--with-kek'))).toEqual({
      code: 2,
      stderr: expect.stringMatching(/no terminal to ask/),
    });
    expect(refusal(await backup('--passphrase-file', file))).toEqual({
      code: 2,
      stderr: expect.stringMatching(/add --with-kek/),
    });
    chmodSync(file, 0o644);
    expect(refusal(await backup('--with-kek', '--passphrase-file', file))).toEqual({
      code: 2,
      stderr: expect.stringMatching(/its mode 0644/),
    });
    chmodSync(file, 0o600);
    appendFileSync(file, 'second line\n');
    expect(refusal(await backup('--with-kek', '--passphrase-file', file))).toEqual({
      code: 2,
      stderr: expect.stringMatching(/not one line/),
    });
    writeFileSync(file, 'short\n');
    expect(refusal(await backup('--with-kek', '--passphrase-file', file))).toEqual({
      code: 2,
      stderr: expect.stringMatching(/5 characters, at least 12/),
    });
    withPassphrase();
    writeFileSync(world.path('etc/kek'), Buffer.alloc(32, 7), { mode: 0o600 });
    expect(refusal(await backup('--with-kek', '--passphrase-file', file))).toEqual({
      code: 5,
      stderr: expect.stringMatching(/is not the one that key/),
    });
    expect(existsSync(world.path('all.age'))).toBe(false);
  });
});

/** age asks on a terminal alone: script(1) is one. */
function byAge(path: string): string {
  return spawnSync('script', ['-qec', `age -d ${path}`, '/dev/null'], {
    input: `${PASSPHRASE}\n`,
    timeout: 20_000,
  }).stdout.toString();
}
