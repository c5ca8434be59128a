import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toSpkiPem } from '../../src/keys/public-key.js';
import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { PublishOutlet } from '../../src/outlets/configured.js';
import type { OutletPort } from '../../src/outlets/outlet.js';
import { newPair, type TestPair, thumbprintOf } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, recordsInMemory, refusal, remembering, tryToWrite, write } from './support.js';

let [one, two, three]: TestPair[] = [];
let [first, both]: OutletContent[] = [];
beforeAll(async () => {
  [one, two, three] = [await newPair(), await newPair(), await newPair()];
  const { knownKids } = contentOf(1, [one, two]);
  first = { ...contentOf(1, [one]), knownKids };
  both = contentOf(2, [one, two]);
});

let folder: string;
let port: OutletPort;
beforeEach(() => {
  folder = diskFolder();
  port = portTo({});
});

function portTo(changes: Partial<Extract<PublishOutlet, { type: 'directory' }>>): OutletPort {
  const outlet = { type: 'directory', path: folder, format: 'pem-files', mode: 0o644, allowShared: false } as const;
  return portOf({ publish: [{ ...outlet, url: null, ...changes }], records: recordsInMemory() });
}

const fileOf = (pair: TestPair) => join(folder, `${pair.thumbprint}.pem`);
const pems = () => readdirSync(folder).filter((name) => name.endsWith('.pem'));
const namesOf = (...pairs: TestPair[]) => pairs.map(({ thumbprint }) => `${thumbprint}.pem`).sort();
const pemOf = (der: Buffer) => `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;

/** What a verifier may read as a key, and jwtrot can't. */
const UNTOLD: Record<string, (path: string) => void> = {
  'a link to a file': (path) => symlinkSync('key.pub', path),
  'a link in a circle': (path) => symlinkSync(basename(path), path),
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'too long': (path) => writeFileSync(path, `${'#'.repeat(70_000)}\n${toSpkiPem(three!.publicJwk)}`),
  'a second block': (path) =>
    writeFileSync(path, `# ${pemOf(Buffer.from('AAAA')).replaceAll('\n', '')}\n${toSpkiPem(three!.publicJwk)}`),
  'a block that is no key': (path) => writeFileSync(path, pemOf(Buffer.from('AAAA'))),
  'a block without an end': (path) => writeFileSync(path, toSpkiPem(three!.publicJwk).slice(0, 60)),
  'a curve without a JWK': (path) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
    writeFileSync(path, publicKey.export({ format: 'pem', type: 'spki' }));
  },
  'a private key': (path) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  },
};
const WRITTEN = { publish: true, deliver: false };
const UNTOUCHED = { publish: false, deliver: false };
const pending = () => new AbortController().signal;

describe('a directory with a PEM file for each key', () => {
  it('holds the public key of every kid, with its mode whatever the umask, and besides only a record and a lock', async () => {
    const umask = process.umask(0o077);
    try {
      expect(await write(portTo({ mode: 0o640 }), both!)).toEqual(WRITTEN);
    } finally {
      process.umask(umask);
    }
    expect(readdirSync(folder).sort()).toEqual(['.pem.jwtrot', '.pem.jwtrot-lock', ...namesOf(one!, two!)].sort());
    for (const pair of [one!, two!]) {
      expect(readFileSync(fileOf(pair), 'utf8')).toBe(toSpkiPem(pair.publicJwk));
      expect(statSync(fileOf(pair)).mode & 0o7777).toBe(0o640);
    }
    expect(JSON.parse(readFileSync(join(folder, '.pem.jwtrot'), 'utf8'))).toMatchObject({ keyset: 'api', revision: 2 });
  });

  it('is shown as its keys, and read back', async () => {
    await write(port, both!);
    const [holding] = await port.observe(2_000);
    expect(holding).toMatchObject({ outlet: folder, kind: 'publish', format: 'pem-files', intact: true });
    expect(holding?.keys).toEqual(
      [one!, two!].map(({ thumbprint }) => ({ kid: thumbprint, thumbprint })).sort((a, b) => (a.kid < b.kid ? -1 : 1)),
    );
    expect(await port.readBack(both!, 1_000, pending())).toEqual([]);
    unlinkSync(fileOf(two!));
    const outlet = { outlet: folder, reason: 'it does not hold what was written' };
    expect(await port.readBack(both!, 1_000, pending())).toEqual([outlet]);
  });

  it('changes no file of a key that stays', async () => {
    await write(port, first!);
    const { ino } = statSync(fileOf(one!));
    expect(await write(port, { ...first!, revision: 7 })).toEqual(UNTOUCHED);
    expect(await write(port, { ...both!, revision: 8 })).toEqual(WRITTEN);
    expect(await write(port, { ...first!, revision: 9 })).toEqual(WRITTEN);
    expect(statSync(fileOf(one!)).ino).toBe(ino);
    expect(pems()).toEqual(namesOf(one!));
  });

  it('gets back a file that was removed, cut off, or given another mode or another key', async () => {
    const replaceWith = (make: () => unknown) => {
      unlinkSync(fileOf(one!));
      make();
    };
    const damages: [string, () => void][] = [
      ['removed', () => unlinkSync(fileOf(one!))],
      ['emptied', () => writeFileSync(fileOf(one!), '')],
      ['cut off', () => writeFileSync(fileOf(one!), toSpkiPem(one!.publicJwk).slice(0, 60))],
      ['longer', () => writeFileSync(fileOf(one!), `${toSpkiPem(one!.publicJwk)}\n`)],
      ['of another mode', () => chmodSync(fileOf(one!), 0o600)],
      ['a comment above', () => writeFileSync(fileOf(one!), `# x\n${toSpkiPem(one!.publicJwk)}`)],
      ['a link', () => replaceWith(() => symlinkSync('/dev/null', fileOf(one!)))],
      ['a FIFO', () => replaceWith(() => execFileSync('mkfifo', [fileOf(one!)]))],
    ];
    await write(port, both!);
    for (const [what, damage] of damages) {
      damage();
      const [holding] = await port.observe(2_000);
      const isWhole = holding?.intact === true && holding.keys?.length === 2;
      expect([what, isWhole]).toEqual([what, false]);
      expect([what, await write(port, both!)]).toEqual([what, WRITTEN]);
      expect([what, readFileSync(fileOf(one!), 'utf8')]).toEqual([what, toSpkiPem(one!.publicJwk)]);
      expect([what, statSync(fileOf(one!)).mode & 0o7777]).toEqual([what, 0o644]);
    }
  });

  it('gets back its own key under a kid that names another one there', async () => {
    await write(port, both!);
    writeFileSync(fileOf(one!), toSpkiPem(three!.publicJwk));
    expect(await write(port, both!)).toEqual(WRITTEN);
    expect(readFileSync(fileOf(one!), 'utf8')).toBe(toSpkiPem(one!.publicJwk));
  });

  it('keeps old keys while a new one cannot be written, and writes the others', async () => {
    await write(port, first!);
    const next = { ...contentOf(3, [two!, three!]), knownKids: contentOf(3, [one!, two!, three!]).knownKids };
    mkdirSync(fileOf(two!));
    const error = await refusal(write(port, next));
    expect(error).toMatchObject({ kind: 'services', code: 'outlet-not-written', exit: 4 });
    expect(error.message).toContain(folder);
    expect(pems().sort()).toEqual(namesOf(one!, two!, three!));
    rmSync(fileOf(two!), { recursive: true });
    expect(await write(port, next)).toEqual(WRITTEN);
    expect(pems().sort()).toEqual(namesOf(two!, three!));
  });

  it('leaves temporary files of a killed run no longer than to the next write', async () => {
    const stale = join(folder, '.pem.6f1c.jwtrot-tmp');
    writeFileSync(stale, 'half');
    await write(port, first!);
    expect(existsSync(stale)).toBe(false);
  });

  it('that does not exist is an error that says how to make it', async () => {
    rmSync(folder, { recursive: true });
    const error = await refusal(write(port, first!));
    expect(error).toMatchObject({ code: 'no-directory', exit: 4, hint: `create it: install -d -m 0755 ${folder}` });
    expect(await port.observe(2_000)).toMatchObject([{ keys: null }]);
    expect(await port.unwritable(2_000)).toMatchObject([{ outlet: folder, code: 'no-directory' }]);
  });

  it('in which others may write is refused, unless that is allowed', async () => {
    chmodSync(folder, 0o777);
    await expect(write(port, first!)).rejects.toMatchObject({ code: 'shared-directory', exit: 5 });
    expect(readdirSync(folder)).toEqual([]);
    const state = diskFolder();
    const publish = portTo({ allowShared: true }).publish;
    expect(await write(portOf({ publish, stateDirectory: state }), first!)).toEqual(WRITTEN);
    expect(readdirSync(folder)).toEqual(namesOf(one!));
  });

  it('may become empty when that was asked for, and only then', async () => {
    await write(port, first!);
    const none = { ...first!, revision: 3, jwks: { keys: [] }, published: [], active: null };
    await expect(write(port, none)).rejects.toMatchObject({ code: 'empty-jwks' });
    expect(pems()).toEqual(namesOf(one!));
    expect(await write(port, { ...none, allowEmpty: true })).toEqual(WRITTEN);
    expect(pems()).toEqual([]);
    expect(await write(port, { ...none, allowEmpty: true, revision: 4 })).toEqual(UNTOUCHED);
    expect(await port.readBack({ ...none, allowEmpty: true, revision: 4 }, 1_000, pending())).toEqual([]);
  });
});

describe('what others put into it', () => {
  it('stays and costs nothing if no key is in it', async () => {
    const files = {
      README: 'hands off',
      'notes.pem': 'no key',
      'empty.pem': '',
      '.hidden.pem': toSpkiPem(three!.publicJwk),
      'key.pub': toSpkiPem(three!.publicJwk),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    mkdirSync(join(folder, 'old.pem'));
    const before = readdirSync(folder);
    expect(await write(port, first!)).toEqual(WRITTEN);
    expect(await write(port, { ...first!, revision: 3 })).toEqual(UNTOUCHED);
    for (const [name, text] of Object.entries(files)) expect(readFileSync(join(folder, name), 'utf8')).toBe(text);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(before));
    expect(await port.observe(2_000)).toMatchObject([{ intact: true, keys: [{ kid: one!.thumbprint }] }]);
  });

  it.each(Object.entries(UNTOLD))('is refused while it may be any key: %s', async (_, put) => {
    await write(port, both!);
    put(join(folder, 'other.pem'));
    await expect(write(port, { ...first!, revision: 3 })).rejects.toMatchObject({ code: 'unknown-kid', exit: 5 });
    expect(await port.observe(2_000)).toMatchObject([{ intact: false }]);
    unlinkSync(fileOf(two!));
    const { problems } = await tryToWrite(port, incident());
    expect(problems).toMatchObject([{ code: 'unknown-kid', kind: 'services' }]);
    expect(problems[0]?.message).toContain(
      `may still hold ${two!.thumbprint} (which key "other.pem" holds can't be told)`,
    );
    expect(await port.readBack(incident(), 1_000, pending())).toMatchObject([{ outlet: folder }]);
  });

  it('is refused if its name is not UTF-8', async () => {
    await write(port, first!);
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff]), Buffer.from('.pem')]), '');
    await expect(write(port, both!)).rejects.toMatchObject({ code: 'unknown-kid' });
  });

  it.each(Object.entries(UNTOLD))('leaves the name of a key that is gone, whatever it is: %s', async (_, put) => {
    await write(port, first!);
    put(fileOf(two!));
    expect(await write(port, { ...first!, revision: 3 })).toEqual(WRITTEN);
    expect(pems()).toEqual(namesOf(one!));
    put(fileOf(two!));
    expect((await tryToWrite(port, incident())).problems).toEqual([]);
    expect(pems()).toEqual(namesOf(one!));
  });

  it('is a key that is known by its numbers, whatever encodes them', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { n, e } = publicKey.export({ format: 'jwk' });
    const pkcs1 = publicKey.export({ format: 'der', type: 'pkcs1' });
    const head = '30820120300b06092a864886f70d01010a0382010f00';
    const pss = pemOf(Buffer.concat([Buffer.from(head, 'hex'), pkcs1]));
    expect(createPublicKey(pss).asymmetricKeyType).toBe('rsa-pss');
    writeFileSync(join(folder, 'copy.pem'), pss);
    const thumbprint = await thumbprintOf({ kty: 'RSA', n: String(n), e: String(e) });
    expect(await port.observe(2_000)).toMatchObject([{ intact: false, keys: [{ kid: 'copy', thumbprint }] }]);
  });

  it('is refused if it is a key that jwtrot does not know, also under a comment or by the thumbprint of another', async () => {
    await write(port, first!);
    for (const text of [toSpkiPem(three!.publicJwk), `# mallory\n${toSpkiPem(one!.publicJwk)}`]) {
      writeFileSync(join(folder, 'mallory.pem'), text);
      await expect(write(port, both!)).rejects.toMatchObject({
        code: 'unknown-kid',
        exit: 5,
        message: expect.stringContaining('it holds key "mallory", which keyset api does not know'),
      });
      expect(pems().sort()).toEqual([...namesOf(one!), 'mallory.pem'].sort());
    }
  });

  it('does not keep a leaked key there, nor is it touched', async () => {
    await write(port, both!);
    const text = `# mallory\n${toSpkiPem(three!.publicJwk)}`;
    writeFileSync(join(folder, 'mallory.pem'), text);
    chmodSync(fileOf(one!), 0o600);
    const { problems } = await tryToWrite(port, incident());
    expect(problems).toMatchObject([{ code: 'unknown-kid', kind: 'services' }]);
    expect(problems[0]?.message).toContain(`has lost ${two!.thumbprint}, and is otherwise as it was`);
    expect(pems().sort()).toEqual([...namesOf(one!), 'mallory.pem'].sort());
    expect(readFileSync(join(folder, 'mallory.pem'), 'utf8')).toBe(text);
    expect(statSync(fileOf(one!)).mode & 0o7777).toBe(0o600);
  });

  it('may be a hundred thousand files', async () => {
    execFileSync('sh', ['-c', 'seq 100000 | xargs touch'], { cwd: folder });
    expect(await write(port, both!)).toEqual(WRITTEN);
    expect(await write(port, { ...first!, revision: 3 })).toEqual(WRITTEN);
    expect(pems()).toEqual(namesOf(one!));
  }, 120_000);

  it('may be more PEM files than a keyset has: a leaked key goes all the same', async () => {
    await write(port, both!);
    for (let i = 0; i < 600; i += 1) writeFileSync(join(folder, `${i}.pem`), 'no key');
    const { problems } = await tryToWrite(port, incident());
    expect(problems).toEqual([]);
    expect(existsSync(fileOf(two!))).toBe(false);
    expect(existsSync(fileOf(one!))).toBe(true);
    const reason = expect.stringContaining("its keys can't be told among more than 500 .pem files");
    expect(await port.readBack(incident(), 1_000, pending())).toEqual([{ outlet: folder, reason }]);
    expect(await port.observe(2_000)).toMatchObject([{ keys: [], intact: false, problem: reason }]);
  }, 60_000);
});

/** The second key has leaked, and is no longer published. */
function incident(): OutletContent {
  const retiring = [{ kid: two!.thumbprint, thumbprint: two!.thumbprint }];
  return { ...first!, revision: 3, isIncident: true, retiring };
}

describe('a key that was retired long ago', () => {
  it('goes again under each name, although the active one cannot be written, and the file is named', async () => {
    await write(port, both!);
    rmSync(fileOf(one!));
    mkdirSync(join(fileOf(one!), 'x'), { recursive: true });
    const retired = [{ kid: two!.thumbprint, thumbprint: two!.thumbprint }];
    writeFileSync(join(folder, 'copy.pem'), toSpkiPem(two!.publicJwk));
    const error = await refusal(write(port, { ...first!, revision: 3, retired }));
    expect(error.message).toContain(`cannot write "${fileOf(one!)}": `);
    expect(pems()).toEqual(namesOf(one!));
  });
});

it('In an incident a full disk is named where the record of this host could not be written', async () => {
  await write(port, both!);
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const records = { ...recordsInMemory(), update: () => Promise.reject(full) };
  const { problems } = await tryToWrite(portOf({ publish: port.publish, records }), incident());
  expect(problems[0]).toMatchObject({
    code: 'outlet-not-written',
    message: expect.stringContaining('was written, and that could not be recorded: '),
    hint: "make room in the record's directory, then run it again",
  });
  expect(problems[0]?.message).toContain('no space is left');
});

describe('a leaked key in a directory', () => {
  it('goes before anything is written, and although a new key cannot be', async () => {
    await write(port, both!);
    const set = contentOf(3, [one!, three!]);
    const { knownKids } = contentOf(3, [one!, two!, three!]);
    mkdirSync(fileOf(three!));
    const { problems } = await tryToWrite(port, { ...incident(), jwks: set.jwks, published: set.published, knownKids });
    expect(problems).toMatchObject([{ code: 'outlet-not-written', kind: 'services' }]);
    expect(pems().sort()).toEqual(namesOf(one!, three!));
  });

  it('goes although the key that signs cannot be written', async () => {
    await write(port, { ...contentOf(1, [two!]), knownKids: both!.knownKids });
    mkdirSync(fileOf(one!));
    const { problems } = await tryToWrite(port, incident());
    expect(problems).toMatchObject([{ code: 'outlet-not-written', kind: 'services' }]);
    expect(pems()).toEqual(namesOf(one!));
  });

  it('goes under any name, and alone, when the store holds another history', async () => {
    await write(port, both!);
    writeFileSync(join(folder, 'copy.pem'), toSpkiPem(two!.publicJwk));
    unlinkSync(fileOf(one!));
    writeFileSync(fileOf(one!), toSpkiPem(one!.publicJwk), { mode: 0o600 });
    const { problems } = await tryToWrite(port, incident(), { otherHistory: true });
    expect(problems).toMatchObject([{ code: 'other-history' }]);
    expect(pems()).toEqual(namesOf(one!));
    expect(statSync(fileOf(one!)).mode & 0o7777).toBe(0o600);
  });

  it('is never the last one to go, when there is nothing in its place', async () => {
    await write(port, { ...contentOf(1, [two!]), knownKids: both!.knownKids });
    const { problems } = await tryToWrite(port, incident(), { otherHistory: true });
    expect(problems[0]?.message).toContain('is the only key there');
    expect(pems()).toEqual(namesOf(two!));
  });
});

describe('the file of a leaked key', () => {
  const crowd = () => {
    for (let i = 0; i < 600; i += 1) writeFileSync(join(folder, `${i}.pem`), 'no key');
  };

  it('is found and goes by its name, whatever fills the directory, and verifiers are told', async () => {
    await write(port, both!);
    crowd();
    const kid = two!.thumbprint;
    expect(await port.keys(2_000)).toEqual([]);
    expect(await port.keys(2_000, '../x')).toEqual([]);
    expect(await port.keys(2_000, kid)).toMatchObject([{ outlet: folder, kid, thumbprint: kid, sha256: null }]);
    const { problems, publish } = await tryToWrite(port, { ...incident(), ...NONE }, { otherHistory: true });
    expect(publish).toBe(true);
    expect(problems).toMatchObject([{ code: 'other-history' }]);
    expect(problems[0]?.message).toContain(
      `${folder} has lost ${kid}, and apart from that it was left as it is, and may`,
    );
    expect(existsSync(fileOf(two!))).toBe(false);
    expect(existsSync(fileOf(one!))).toBe(true);
  }, 60_000);

  it('goes before the look at the others, which may take too long', async () => {
    await write(port, both!);
    const answering = { mayHang: async () => true, answers: async () => existsSync(fileOf(two!)) };
    const slow = portOf({ publish: port.publish, answering });
    const { problems, publish } = await tryToWrite(slow, incident());
    expect(publish).toBe(true);
    expect(problems).toMatchObject([{ code: 'outlet-hangs' }]);
    expect(problems[0]?.message).toContain(`${folder} has lost ${two!.thumbprint}, and apart from that`);
    expect(pems()).toEqual(namesOf(one!));
  });

  it.each([
    ['the only key', () => unlinkSync(fileOf(one!)), {}],
    ['that of another keyset', () => {}, { keyset: 'other' }],
  ])('stays if it is %s', async (_, change, content) => {
    await write(port, both!);
    change();
    crowd();
    await tryToWrite(port, { ...incident(), ...NONE, ...content }, { otherHistory: true });
    expect(existsSync(fileOf(two!))).toBe(true);
  });

  it('waits for the key that signs, and for a run that knows the newest revision', async () => {
    await write(port, both!);
    const records = recordsInMemory(remembering(9));
    await refusal(tryToWrite(portOf({ publish: port.publish, records }), incident()));
    expect(existsSync(fileOf(two!))).toBe(true);
    unlinkSync(fileOf(one!));
    mkdirSync(fileOf(one!));
    writeFileSync(fileOf(three!), toSpkiPem(three!.publicJwk));
    const answering = { mayHang: async () => true, answers: async () => asked-- > 0 };
    let asked = 3; // to open it, its lock, and its file's name: not the look
    await tryToWrite(portOf({ publish: port.publish, answering }), incident());
    expect(existsSync(fileOf(two!))).toBe(true);
  });
});

/** What a run knows to publish when the store does not answer. */
const NONE = { jwks: { keys: [] }, published: [], active: null };

describe('a kid that can be no file name', () => {
  const named = (kid: string) => {
    const [jwk, ...rest] = both!.jwks.keys;
    const jwks = { keys: [{ ...jwk!, kid }, ...rest] };
    return { ...both!, jwks, knownKids: [...both!.knownKids, kid] };
  };

  it.each(['../../etc/x', '.', '..', '.hidden', 'a/b', 'a b', 'a\nb', 'a\u0000b', 'ключ', '*', 'k'.repeat(201)])(
    '%j is refused, and nothing is written',
    async (kid) => {
      await write(port, first!);
      await expect(write(port, named(kid))).rejects.toMatchObject({ code: 'kid-no-file-name', exit: 5 });
      expect(pems()).toEqual(namesOf(one!));
    },
  );

  it.each(['2026-01', '-x', 'urn:key:1', 'a.b_c~d', 'me@example+1,=', 'k'.repeat(200)])(
    '%j is none of them',
    async (kid) => {
      expect(await write(port, named(kid))).toEqual(WRITTEN);
      expect(pems()).toContain(`${kid}.pem`);
    },
  );

  it('does not keep a leaked key there', async () => {
    await write(port, both!);
    const { jwks } = named('a/b');
    const { problems } = await tryToWrite(port, { ...incident(), jwks: { keys: jwks.keys.slice(0, 1) } });
    expect(problems).toMatchObject([{ code: 'kid-no-file-name', kind: 'services' }]);
    expect(pems()).toEqual(namesOf(one!));
  });
});
