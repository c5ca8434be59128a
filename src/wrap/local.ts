import { basename, join } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import type { KeyContext } from '../keyset/manifest/wrapped-key.js';
import { decryptKey, encryptKey, mismatch } from './local-jwe.js';
import { type KekPlace, readKek } from './local-kek.js';
import { createKek } from './local-kek-creation.js';
import type { Wrapper } from './wrapper.js';

/** A file, or a systemd credential in `directory` (`$CREDENTIALS_DIRECTORY`). */
export type Kek = { readonly file: string } | { readonly credential: string; readonly directory: string | undefined };

export interface LocalWrapperOptions {
  readonly kek: Kek;
  /** Asked when a KEK file is missing: true only while the store holds no wrapped key. */
  readonly mayCreateKek: () => Promise<boolean>;
  /** This process's: the KEK's file must belong to it or to root. */
  readonly uid: number;
}

/** Wraps private keys as JWE under a 256-bit local KEK. Each call reads the KEK and overwrites it afterwards. */
export function createLocalWrapper({ kek, mayCreateKek, uid }: LocalWrapperOptions): Wrapper {
  const place = (): KekPlace => kekPlace(kek, uid);

  async function withKek<T>(mayCreate: boolean, use: (bytes: Uint8Array, path: string) => Promise<T>): Promise<T> {
    const where = place();
    let bytes = await readKek(where);
    if (bytes === null && mayCreate && where.kind === 'file' && (await mayCreateKek())) {
      await createKek(where);
      bytes = await readKek(where);
    }
    if (bytes === null) throw missing(where);
    try {
      return await use(bytes, where.path);
    } finally {
      bytes.fill(0);
    }
  }

  return {
    description: `local KEK ${'file' in kek ? kek.file : `credential ${kek.credential}`}`,
    wrap: (privateKey, context) => withKek(true, (bytes) => encryptKey(privateKey, context, bytes)),
    async unwrap(key, context) {
      if (!('jwe' in key)) throw wrappedOtherwise(context);
      if (key.kid !== context.kid || key.alg !== context.alg) throw mismatch(context);
      return withKek(false, (bytes, path) => decryptKey(key, context, bytes, path));
    },
    close() {},
  };
}

/** @throws JwtrotError `kek-missing` when this process was given no credentials; `credential-name` */
export function kekPlace(kek: Kek, uid: number): KekPlace {
  if ('file' in kek) return { path: kek.file, kind: 'file', uid };
  return { path: credentialPath(kek), kind: 'credential', uid };
}

function credentialPath(kek: Exclude<Kek, { readonly file: string }>): string {
  const { credential, directory } = kek;
  if (credential === '' || credential === '..' || basename(credential) !== credential) {
    throw new JwtrotError('usage', 'credential-name', `${JSON.stringify(credential)} can't name a systemd credential`, {
      hint: 'set wrap.kek.credential to the name that LoadCredentialEncrypted= gives it',
    });
  }
  if (directory !== undefined) return join(directory, credential);
  throw new JwtrotError(
    'refused',
    'kek-missing',
    `the KEK is the systemd credential ${credential}, but this process was given no credentials; nothing was changed`,
    { hint: `run it as a service with ${loadLine(credential)} (systemctl start jwtrot.service)` },
  );
}

const loadLine = (name: string): string => `LoadCredentialEncrypted=${name}:/etc/credstore.encrypted/${name}`;

function missing({ path, kind }: KekPlace): JwtrotError {
  const name = basename(path);
  const hint =
    kind === 'credential'
      ? `add ${loadLine(name)} to the unit; made once by: head -c 32 /dev/urandom | systemd-creds encrypt --name=${name} - /etc/credstore.encrypted/${name}`
      : `restore it from its backup; if it is lost, so are the private keys: make another with (umask 077; head -c 32 /dev/urandom > ${path}), then jwtrot rotate --force`;
  const message = `the KEK ${path} is missing${kind === 'file' ? ', and the store holds keys wrapped under it' : ''}; nothing was changed`;
  return new JwtrotError('refused', 'kek-missing', message, { hint });
}

function wrappedOtherwise({ kid, keyset }: KeyContext): JwtrotError {
  return new JwtrotError(
    'refused',
    'wrong-wrapper',
    `key ${kid} of keyset ${keyset} is wrapped by KMS, not by the local KEK; nothing was changed`,
    { hint: 'set wrap.type to kms, as it was when the key was made' },
  );
}
