import { resolve } from 'node:path';
import { JwtrotError } from '../../keyset/basics/error.js';
import { type Backup, checkBackedUp, decodeBackup } from '../../store/directory/backup-text.js';
import type { CheckedKeyset, ContentsOptions } from '../../store/directory/contents.js';
import { assertEmpty, placeContents } from '../../store/directory/restore.js';
import type { Environment } from '../environment.js';
import { open } from '../open.js';
import type { Output } from '../output/output.js';
import { passphrase } from '../passphrase.js';
import { shieldMemory } from '../private-memory.js';
import { afterRestore, type NextStep } from '../store/after-restore.js';
import { isEncrypted, readBackupFile } from '../store/backup-file.js';
import { type KekPlan, kekAbsent, planKek, putKek } from '../store/kek.js';
import { bounded, keysetLine, MOST_LINES } from '../store/keyset-lines.js';
import { localStoreOf } from '../store/local-store.js';
import type { Verb } from '../verb.js';

interface RestoreOptions {
  readonly args?: readonly string[];
  readonly passphraseFile?: string;
}

/** `jwtrot store restore FILE`: puts a backup in place of an absent or empty store. It overwrites nothing. */
export const storeRestore: Verb<RestoreOptions> = async (options, environment, output) => {
  const given = options.args?.[0] ?? '-';
  const file = given === '-' ? 'standard input' : resolve(given);
  const opened = await open(options, environment);
  const place = localStoreOf(opened, environment, 'store restore');
  const backup = await readBackup(given, file, options, environment);
  try {
    const keysets = await checked(backup, place, file);
    await assertEmpty(place);
    const kek = await planKek(backup.kek, keysets, opened.configuration, environment);
    // The KEK comes first: once the store is there, a second restore would be refused, and the KEK would stay missing.
    await putKek(kek, backup.kek);
    await placeContents(keysets, place);
    const next = await afterRestore(keysets, opened, environment);
    report({ file, backup, keysets, kek, next, place }, output);
  } finally {
    backup.kek?.fill(0);
  }
  return 0;
};

async function readBackup(
  given: string,
  file: string,
  options: RestoreOptions,
  environment: Environment,
): Promise<Backup> {
  if (given === '-' && options.passphraseFile === '-') throw bothFromInput();
  await shieldMemory();
  const bytes = await readBackupFile(given, environment);
  try {
    if (!isEncrypted(bytes)) return decodeBackup(bytes, file);
    const { decryptWithPassphrase } = await import('../../wrap/passphrase.js');
    const asked = { file: options.passphraseFile, isNew: false, what: `of ${file}` };
    const plain = await decryptWithPassphrase(bytes, await passphrase(asked, environment), file);
    try {
      return decodeBackup(Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength), file);
    } finally {
      plain.fill(0);
    }
  } finally {
    bytes.fill(0);
  }
}

async function checked({ keysets }: Backup, { thumbprintOf }: ContentsOptions, path: string): Promise<CheckedKeyset[]> {
  const found: CheckedKeyset[] = [];
  for (const keyset of keysets) found.push(await checkBackedUp(keyset, { path, thumbprintOf }));
  if (found.length > 0) return found;
  throw new JwtrotError('refused', 'backup-empty', `the backup ${path} holds no keyset; nothing was changed`, {
    hint: 'name another one',
  });
}

function bothFromInput(): JwtrotError {
  return new JwtrotError(
    'usage',
    'bad-usage',
    'the backup and its passphrase can’t both come from standard input; nothing was changed',
    { hint: 'decrypt it first: age -d FILE | jwtrot store restore -' },
  );
}

interface Restored {
  readonly file: string;
  readonly backup: Backup;
  readonly keysets: readonly CheckedKeyset[];
  readonly kek: KekPlan;
  readonly next: readonly NextStep[];
  readonly place: ContentsOptions;
}

function report({ file, backup, keysets, kek, next, place }: Restored, output: Output): void {
  const madeAt = new Date(backup.madeAt).toISOString();
  if (output.json) {
    const listed = keysets.map(({ name, manifest, keys }) => ({
      name,
      revision: manifest?.revision ?? null,
      keys: keys.length,
    }));
    output.document({ schema: 1, restore: { file, madeAt, store: place.path, kek: kek.state, keysets: listed, next } });
    return;
  }
  for (const line of bounded(keysets.map(keysetLine))) output.result(line);
  output.result(`restored ${place.path} from the backup of ${madeAt}`);
  if (kek.state === 'placed') output.result(`restored the KEK ${kek.path}`);
  const absent = kekAbsent(kek, file);
  if (absent !== null) output.say(absent, 'warning');
  for (const { why, command } of next.slice(0, MOST_LINES)) output.next(`${command} (${why})`);
  if (next.length > MOST_LINES)
    output.say(`and ${next.length - MOST_LINES} more (\`jwtrot status\` shows all keysets)`);
}
