import { resolve } from 'node:path';
import { JwtrotError } from '../../keyset/basics/error.js';
import { type Backup, checkBackedUp, decodeBackup, encodeBackup } from '../../store/directory/backup-text.js';
import { type CheckedKeyset, lostKeys, readContents } from '../../store/directory/contents.js';
import type { Environment } from '../environment.js';
import { type Opened, open } from '../open.js';
import type { Output } from '../output/output.js';
import { passphrase } from '../passphrase.js';
import { shieldMemory } from '../private-memory.js';
import { assertNew, writeBackupFile } from '../store/backup-file.js';
import { assertWraps } from '../store/kek.js';
import { bounded, keysetLine } from '../store/keyset-lines.js';
import { localKekPlace, localStoreOf } from '../store/local-store.js';
import type { GlobalOptions, Verb } from '../verb.js';
import { VERSION } from '../version.js';

interface BackupOptions {
  readonly args?: readonly string[];
  readonly withKek?: boolean;
  readonly passphraseFile?: string;
}

/** `jwtrot store backup FILE`: writes the local store into one file, reads it back and checks it. */
export const storeBackup: Verb<BackupOptions> = async (options, environment, output) => {
  const path = resolve(options.args?.[0] ?? '');
  const opened = await open(options, environment);
  const place = localStoreOf(opened, environment, 'store backup');
  await assertNew(path);
  const keysets = chosen(await readContents(place), options, place.path);
  const content = { madeAt: environment.clock.now(), by: `jwtrot ${VERSION}`, keysets, kek: null };
  const decoded = async (bytes: Buffer) => {
    const found = decodeBackup(bytes, path);
    for (const keyset of found.keysets) await checkBackedUp(keyset, { ...place, path });
    found.kek?.fill(0);
  };
  if (options.withKek === true) await writeEncrypted(path, content, options, { opened, environment, decoded });
  else if (options.passphraseFile !== undefined) throw needless();
  else await writeBackupFile(path, encodeBackup(content), decoded);
  report(path, keysets, options, output);
  return 0;
};

interface Surroundings {
  readonly opened: Opened;
  readonly environment: Environment;
  readonly decoded: (bytes: Buffer) => Promise<void>;
}

async function writeEncrypted(
  path: string,
  content: Backup & { readonly keysets: readonly CheckedKeyset[] },
  options: BackupOptions,
  { opened, environment, decoded }: Surroundings,
): Promise<void> {
  await shieldMemory();
  const { copyKek } = await import('../../wrap/kek-copy.js');
  const { decryptWithPassphrase, encryptWithPassphrase } = await import('../../wrap/passphrase.js');
  const where = localKekPlace(opened.configuration, environment);
  const kek = await copyKek(where);
  if (kek === null) throw kekMissing(where.path);
  try {
    await assertWraps(kek, content.keysets, where.path);
    const asked = { file: options.passphraseFile, isNew: true, what: `for ${path}` };
    const secret = await passphrase(asked, environment);
    const plain = encodeBackup({ ...content, kek });
    const encrypted = await encryptWithPassphrase(plain, secret);
    plain.fill(0);
    await writeBackupFile(path, encrypted, async (bytes) => {
      const opened = await decryptWithPassphrase(bytes, secret, path);
      await decoded(Buffer.from(opened.buffer, opened.byteOffset, opened.byteLength));
      opened.fill(0);
    });
  } finally {
    kek.fill(0);
  }
}

function chosen(
  keysets: readonly CheckedKeyset[],
  { keyset: names }: GlobalOptions,
  store: string,
): readonly CheckedKeyset[] {
  const missing = (names ?? []).find((name) => keysets.every((keyset) => keyset.name !== name));
  const found = names === undefined ? keysets : keysets.filter(({ name }) => names.includes(name));
  if (missing === undefined && found.length > 0) return found;
  throw new JwtrotError(
    'refused',
    'nothing-to-back-up',
    missing === undefined
      ? `the store ${store} holds no keyset; nothing was written`
      : `the store ${store} holds no keyset ${missing}; nothing was written`,
    { hint: 'is this the right configuration? jwtrot status' },
  );
}

function needless(): JwtrotError {
  return new JwtrotError(
    'usage',
    'needless-passphrase',
    'a passphrase is for --with-kek: without the KEK a backup holds nothing in the clear; nothing was written',
    {
      hint: 'add --with-kek, or leave --passphrase-file out',
    },
  );
}

function kekMissing(path: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'kek-missing',
    `the KEK ${path} is missing: there is nothing to back up; nothing was written`,
    {
      hint: 'jwtrot rotate makes it with the first key; if it is lost, leave --with-kek out',
    },
  );
}

function report(path: string, keysets: readonly CheckedKeyset[], options: BackupOptions, output: Output): void {
  const lost = keysets.flatMap((keyset) => lostKeys(keyset).map((key) => ({ keyset: keyset.name, ...key })));
  const withKek = options.withKek === true;
  if (output.json) {
    const listed = keysets.map(({ name, manifest, keys }) => ({
      name,
      revision: manifest?.revision ?? null,
      keys: keys.length,
    }));
    output.document({
      schema: 1,
      backup: { file: path, encrypted: withKek, kek: withKek, keysets: listed, missing: lost },
    });
    return;
  }
  const lostLines = lost.map(
    ({ keyset, kid, state }) =>
      `${keyset}: the private key of ${kid} (${state}) is not in the store, so it is not in the backup`,
  );
  for (const line of bounded(lostLines)) output.say(line, 'warning');
  for (const line of bounded(keysets.map(keysetLine))) output.result(line);
  output.result(`wrote ${path}, ${withKek ? 'encrypted, with the KEK' : 'without the KEK'}; read back and checked`);
  if (!withKek) output.say('the private keys in it can be read with the KEK alone: keep that, too, in another place');
}
