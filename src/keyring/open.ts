import { JwtrotError } from '../keyset/basics/error.js';
import { misuse } from './failures.js';
import { LiveKeyring } from './keyring.js';
import { limitsOf } from './limits.js';
import type { Keyring, KeyringOptions } from './public.js';
import { checkOptions, type Settings } from './settings.js';
import type { KeySource } from './source.js';
import type { Surroundings } from './surroundings.js';
import { watchFiles } from './watch.js';

/** @throws KeyringError `bad-options` */
export async function open(options: KeyringOptions, surroundings: Surroundings): Promise<Keyring> {
  const settings = checkOptions(options);
  let keyring: LiveKeyring | null = null;
  // Before the first await: the signal would end the process. A load that begins later makes up for one that comes now.
  const noHangup = settings.reloadOn.has('SIGHUP') ? surroundings.onHangup(() => void keyring?.reload()) : () => {};
  let source: KeySource | null = null;
  try {
    source = await openSource(settings, surroundings);
    const limits = limitsOf(settings, source.terms);
    keyring = new LiveKeyring({ settings, source, limits, surroundings });
    keyring.whenClosed(noHangup);
    await watchIfAsked(keyring, settings, surroundings);
    await keyring.reload();
    return keyring;
  } catch (error) {
    noHangup();
    source?.close();
    throw error instanceof JwtrotError ? misuse('bad-options', `openKeyring: ${error.message}`, error) : error;
  }
}

/** Each process loads only the code of the source that it uses. */
async function openSource(settings: Settings, surroundings: Surroundings): Promise<KeySource> {
  const { from } = settings;
  if (from.type === 'files') return (await import('./sources/files.js')).fileSource(settings, from, surroundings.uid);
  if (from.type === 'url') return (await import('./sources/url.js')).urlSource(settings, from);
  return (await import('./sources/store.js')).storeSource(settings, from, surroundings);
}

async function watchIfAsked(keyring: LiveKeyring, { reloadOn, from }: Settings, surroundings: Surroundings) {
  if (!reloadOn.has('change') || from.type !== 'files') return;
  const paths = from.key === null ? [from.jwks] : [from.jwks, from.key];
  keyring.whenClosed(await watchFiles(paths, surroundings, () => void keyring.reload()));
}
