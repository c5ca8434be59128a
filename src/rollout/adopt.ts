import { adopted, adoptedPublic, adoptionStarted } from '../keyset/adoption.js';
import type { Algorithm } from '../keyset/algorithm.js';
import { JwtrotError } from '../keyset/error.js';
import type { Key, Manifest, PublicJwk } from '../keyset/model.js';
import { activeKey } from '../keyset/projection.js';
import type { KeysetContext } from './context.js';
import { Ledger, PlanAgain } from './ledger.js';

/** A key that is in use today. */
export interface ForeignKey {
  readonly kid: string;
  readonly thumbprint: string;
  readonly alg: Algorithm;
  readonly publicJwk: PublicJwk;
  /** PKCS#8 DER; null: it can only verify. Overwritten afterwards. */
  readonly privateKey: Uint8Array | null;
}

/**
 * Takes a key over: with its private half as the active key, without as a deprecated one. The manifest names it before
 * its secret is written. Asked again after a kill, it goes on.
 * @throws JwtrotError `has-active-key`, `kid-used`
 */
export async function adoptKey(context: KeysetContext, key: ForeignKey): Promise<Manifest> {
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await adopt(context, key);
      } catch (error) {
        if (!(error instanceof PlanAgain) || attempt >= 5) throw error;
      }
    }
  } finally {
    key.privateKey?.fill(0);
  }
}

async function adopt(context: KeysetContext, key: ForeignKey): Promise<Manifest> {
  const ledger = await Ledger.open(context, {
    limit: 180_000,
    seize: false,
    isLast: (manifest) => manifest.keys.every((one) => one.state !== 'creating'),
  });
  try {
    assertFree(context.name, ledger.manifest, key);
    const { privateKey, ...publicHalf } = key;
    if (privateKey === null) {
      await ledger.commit((m, at) => adoptedPublic(m, { ...publicHalf, hasPrivate: false }, context.policy, at));
      return ledger.known;
    }
    const started = ledger.manifest?.keys.some((one) => one.thumbprint === key.thumbprint && one.state === 'creating');
    if (started) await ledger.hold();
    else await ledger.commit((m, at) => adoptionStarted(m, { ...publicHalf, hasPrivate: true }, at));
    await storeOnce(context, key, privateKey);
    await ledger.commit((m, at) => adopted(m, key.kid, context.policy, at));
    return ledger.known;
  } finally {
    await ledger.release().catch(() => undefined);
  }
}

/** A put that was killed may have landed; its bytes differ from what would be wrapped now. */
async function storeOnce(context: KeysetContext, key: ForeignKey, privateKey: Uint8Array): Promise<void> {
  if ((await context.store.getKey(context.name, key.thumbprint)) !== null) return;
  const wrapped = await context.wrapper.wrap(privateKey, { keyset: context.name, kid: key.kid, alg: key.alg });
  await context.store.putKey(context.name, key.thumbprint, wrapped);
}

function assertFree(keyset: string, manifest: Manifest | null, key: ForeignKey): void {
  if (manifest === null) return;
  const active = activeKey(manifest);
  if (key.privateKey !== null && active !== null) {
    const same = active.thumbprint === key.thumbprint;
    throw new JwtrotError(
      'refused',
      'has-active-key',
      `keyset ${keyset} has an active key already: ${same ? 'this very one' : active.kid}; nothing was changed`,
      {
        hint: same
          ? 'there is nothing to do: jwtrot status'
          : 'to accept the tokens of another key as well: jwtrot import --public FILE',
      },
    );
  }
  const used = manifest.keys.find((one: Key) => one.kid === key.kid || one.thumbprint === key.thumbprint);
  if (used !== undefined && used.state !== 'creating') {
    throw new JwtrotError(
      'refused',
      'kid-used',
      `keyset ${keyset} holds key ${used.kid} already (${used.state}); nothing was changed`,
      {
        hint: 'jwtrot status shows its keys',
      },
    );
  }
}
