import type { ActiveKey, PendingKey } from '../../keyset/manifest/key.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import { unwrapKey } from '../../rollout/unwrap.js';
import type { Store } from '../../store/store.js';
import type { Wrapper } from '../../wrap/wrapper.js';
import { notNow } from '../failures.js';
import type { KeysByKid, VerifyingKey } from '../key-set.js';
import { KeyringError } from '../keyring-error.js';
import type { SigningKey } from '../keys-in-memory.js';
import { signingKey } from '../signing-key.js';
import type { Reading } from '../source.js';

export interface KeychainParts {
  readonly keyset: string;
  readonly store: Store;
  readonly wrapper: Wrapper;
}

export interface Keychain {
  /** Never rejects for what it can't unwrap: the public keys are good all the same. */
  read(manifest: Manifest, verifying: KeysByKid): Promise<Pick<Reading, 'signing' | 'preloaded' | 'problem'>>;
}

type Wanted = ActiveKey | PendingKey;

/**
 * The private keys of a signer that reads the store: the active one, and the pending one before it is needed. Each is
 * unwrapped once, and given up when it is neither.
 */
export function createKeychain(parts: KeychainParts): Keychain {
  /** By thumbprint: a kid may be given to another key. */
  let held: ReadonlyMap<string, SigningKey> = new Map();
  return {
    async read(manifest, verifying) {
      const kept = new Map<string, SigningKey>();
      const preloaded = new Map<string, SigningKey>();
      let signing: Reading['signing'] = null;
      let problem: KeyringError | null = null;
      for (const key of manifest.keys.filter(isWanted)) {
        const published = verifying.get(key.kid);
        if (published === undefined) continue;
        const found = stillHeld(held.get(key.thumbprint), key) ?? (await opened(parts, key, published));
        if (found instanceof KeyringError) problem = found;
        else {
          kept.set(key.thumbprint, found);
          preloaded.set(key.kid, found);
        }
        if (key.state === 'active') signing = found instanceof KeyringError ? 'unread' : found;
      }
      held = kept;
      return { signing, preloaded, problem };
    },
  };
}

/** It is held by thumbprint, and was proved for one kid and one algorithm. With others it is opened and proved anew. */
function stillHeld(held: SigningKey | undefined, { kid, alg }: Wanted): SigningKey | undefined {
  return held?.kid === kid && held.alg === alg ? held : undefined;
}

function isWanted(key: Manifest['keys'][number]): key is Wanted {
  return (key.state === 'active' || key.state === 'pending') && key.hasPrivate;
}

async function opened({ keyset, store, wrapper }: KeychainParts, key: Wanted, published: VerifyingKey) {
  try {
    // That both halves belong together is checked below, off the main thread.
    const unwrapping = { name: keyset, store, wrapper, assertMatches: async () => undefined };
    const privateKey = await unwrapKey(unwrapping, key);
    try {
      return await signingKey(privateKey, published, key.alg, store.description);
    } finally {
      privateKey.fill(0);
    }
  } catch (cause) {
    if (cause instanceof KeyringError) return cause;
    return notNow('store-failed', cause instanceof Error ? cause.message : String(cause), cause);
  }
}
