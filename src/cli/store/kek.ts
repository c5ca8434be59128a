import type { Configuration } from '../../config/configuration.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import type { CheckedKeyset } from '../../store/directory/contents.js';
import { decodeKey } from '../../store/wrapped-key-record.js';
import type { KekPlace } from '../../wrap/local-kek.js';
import type { Environment } from '../environment.js';
import { localKekPlace } from './local-store.js';

/**
 * If a backup's KEK did not open its keys, that would show on the worst day. Keys that only verify may still be wrapped
 * under a lost KEK, and so may the active key until its successor signs.
 * @throws JwtrotError `kek-wrong`
 */
export async function assertWraps(kek: Uint8Array, keysets: readonly CheckedKeyset[], where: string): Promise<void> {
  const { wrappedOtherwise } = await import('../../wrap/kek-copy.js');
  const signing = keysets.flatMap(signingKeys);
  const otherwise = wrappedOtherwise(signing, kek);
  const [first] = otherwise;
  if (first === undefined || otherwise.length < signing.length) return;
  throw new JwtrotError(
    'refused',
    'kek-wrong',
    `the KEK ${where} is not the one that key ${first.kid} of keyset ${first.keyset} is wrapped under; nothing was written or restored`,
    { hint: `restore the former ${where} from its backup first` },
  );
}

function signingKeys({ name, keys, decoded }: CheckedKeyset): { keyset: string; kid: string; jwe: string }[] {
  const signing = (decoded?.keys ?? []).filter(({ state }) => state === 'active' || state === 'pending');
  return keys.flatMap(({ thumbprint, text }) => {
    if (signing.every((key) => key.thumbprint !== thumbprint)) return [];
    const key = decodeKey({ keyset: name, thumbprint }, text, name);
    return 'jwe' in key ? [{ keyset: name, kid: key.kid, jwe: key.jwe }] : [];
  });
}

/** What a restore does with the KEK. */
export type KekPlan =
  /** `placed`: the restore puts it there. `there`: it is there already, and as far as can be seen the right one. */
  | { readonly state: 'placed' | 'there'; readonly path: string; readonly place: KekPlace }
  /** A person has to put it there. `credential`: its name; null: it is not systemd's. */
  | {
      readonly state: 'absent';
      readonly path: string;
      readonly credential: string | null;
      readonly isInBackup: boolean;
    }
  /** KMS is the KEK. */
  | { readonly state: 'none' };

/**
 * Plans what to do with the KEK, and touches nothing.
 * @param line the backup's KEK; null: it holds none
 * @throws JwtrotError `kek-there`: another KEK is in its place
 */
export async function planKek(
  line: Uint8Array | null,
  keysets: readonly CheckedKeyset[],
  configuration: Configuration,
  environment: Environment,
): Promise<KekPlan> {
  const { copyKek, isKekLine } = await import('../../wrap/kek-copy.js');
  if (line !== null && !isKekLine(line)) throw damagedKek();
  const { wrap } = configuration;
  if (wrap.type === 'kms') return { state: 'none' };
  const credential = 'credential' in wrap.kek ? wrap.kek.credential : null;
  const absent: KekPlan = { state: 'absent', path: whereOf(wrap.kek), credential, isInBackup: line !== null };
  if (credential !== null && environment.env['CREDENTIALS_DIRECTORY'] === undefined) return absent;
  const place = localKekPlace(configuration, environment);
  const held = await copyKek(place);
  if (held === null)
    return line === null || credential !== null ? absent : { state: 'placed', path: place.path, place };
  try {
    if (line !== null && !Buffer.from(held).equals(line)) throw otherKek(place.path);
    await assertWraps(held, keysets, place.path);
    return { state: 'there', path: place.path, place };
  } finally {
    held.fill(0);
  }
}

export async function putKek(plan: KekPlan, line: Uint8Array | null): Promise<void> {
  if (plan.state !== 'placed' || line === null) return;
  const { placeKek } = await import('../../wrap/kek-copy.js');
  await placeKek(plan.place, line);
}

function whereOf(kek: { readonly file: string } | { readonly credential: string }): string {
  return 'file' in kek ? kek.file : `/etc/credstore.encrypted/${kek.credential}`;
}

/** What a person has to do before the keys can be used; null: nothing. */
export function kekAbsent(plan: KekPlan, file: string): string | null {
  if (plan.state !== 'absent') return null;
  const { path, credential, isInBackup } = plan;
  if (credential === null)
    return `the KEK ${path} is missing: put it there from its own backup before anything else (mode 0600)`;
  const encrypt = `systemd-creds encrypt --name=${credential} - ${path}`;
  if (!isInBackup)
    return `the KEK must be the systemd credential ${path}; if it is not there yet, as root: ${encrypt} < KEK`;
  return `the KEK must be the systemd credential ${path}; as root: age -d ${file} | sed -n 's/^{"type":"kek","kek":"\\(.*\\)"}$/\\1/p' | ${encrypt}`;
}

function otherKek(path: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'kek-there',
    `another KEK than that of the backup is in ${path}; nothing was changed`,
    {
      hint: `if it wraps nothing that is still needed, move it away: mv ${path} ${path}.former`,
    },
  );
}

function damagedKek(): JwtrotError {
  return new JwtrotError('refused', 'backup-damaged', 'the KEK in the backup is damaged; nothing was restored', {
    hint: 'use another backup',
  });
}
