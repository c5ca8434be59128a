// Load this module lazily (`await import('./passphrase.js')`). Its static imports let the bundle keep only these parts of
// age.
import { Decrypter, Encrypter } from 'age-encryption';
import { JwtrotError } from '../keyset/basics/error.js';

/*
 * Encrypts files with a passphrase in the format of age (age-encryption.org/v1, scrypt recipient), with the library of
 * its author. `age -d FILE` reads them. The passphrase becomes a JavaScript string, which can't be overwritten.
 */

/**
 * Each attempt takes 2^16 KiB = 64 MiB of memory, which fits into the unit's `MemoryHigh=`. age's own default is 18; it
 * reads files with any factor.
 */
const WORK_FACTOR = 16;

export async function encryptWithPassphrase(bytes: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(WORK_FACTOR);
  return encrypter.encrypt(bytes);
}

/**
 * @param where names the file in errors
 * @returns a new buffer, which the caller overwrites after use
 * @throws JwtrotError `passphrase-wrong` (exit 2), `backup-damaged`
 */
export async function decryptWithPassphrase(bytes: Uint8Array, passphrase: string, where: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  try {
    return await decrypter.decrypt(bytes);
  } catch (cause) {
    // The library's errors have no codes. Only a wrong passphrase gives this message.
    if (cause instanceof Error && cause.message.includes('no identity matched')) {
      throw new JwtrotError('usage', 'passphrase-wrong', `the passphrase does not open ${where}; nothing was changed`, {
        hint: 'try again; a file that was encrypted to a key, not with a passphrase, is decrypted by age itself: age -d',
        cause,
      });
    }
    throw new JwtrotError(
      'refused',
      'backup-damaged',
      `${where} is damaged or cut off: it can't be decrypted; nothing was changed`,
      {
        hint: 'take another backup',
        cause,
      },
    );
  }
}
