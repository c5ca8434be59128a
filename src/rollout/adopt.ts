import type { Manifest } from '../keyset/manifest/model.js';
import { adopted, adoptedPublic, adoptionStarted } from '../keyset/transitions/adoption.js';
import { putsOver } from '../keyset/transitions/all.js';
import { assertAdoptable, type ForeignKey } from './adoptable.js';
import type { KeysetContext } from './context.js';
import { Ledger } from './ledger.js';
import { PlanAgain } from './ledger-options.js';

/**
 * Takes a key over: as the active key if its private half is given, else as a deprecated one. The manifest names it
 * before its secret is written. If it is killed, the same command goes on.
 * @throws JwtrotError `retired-key`, `has-active-key`, `kid-used`, `other-history`: nothing was changed
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
  const ledger = await Ledger.open(context, { limit: 180_000, patience: null });
  try {
    assertAdoptable(context.name, ledger, key);
    const { privateKey, given: _, ...publicHalf } = key;
    if (privateKey === null) {
      const verifying = { ...publicHalf, hasPrivate: false };
      await ledger.commit((m, now) => adoptedPublic(m, verifying, now), isWhole);
      return ledger.known;
    }
    const keys = ledger.manifest?.keys ?? [];
    const isBegun = keys.some((one) => one.thumbprint === key.thumbprint && one.state === 'creating');
    if (isBegun) await ledger.hold();
    else await ledger.commit((m, { at }) => adoptionStarted(m, { ...publicHalf, hasPrivate: true }, at));
    const { inDoubt } = await storeOnce(context, key, privateKey);
    await ledger.commit((m, now) => {
      const putsUntil = isBegun || inDoubt ? putsOver(m, ledger.tenure.formerLeaseEnd, now) : null;
      return adopted(m, key.kid, now, putsUntil);
    }, isWhole);
    return ledger.known;
  } finally {
    await ledger.release().catch(() => undefined);
  }
}

/** Every key that the manifest names has its secret. */
function isWhole({ keys }: Manifest): boolean {
  return keys.every((one) => one.state !== 'creating');
}

/** Stores the secret unless it is there. A killed put may have landed, with other bytes than wrapping now would give. */
async function storeOnce(
  context: KeysetContext,
  key: ForeignKey,
  privateKey: Uint8Array,
): Promise<{ inDoubt: boolean }> {
  if ((await context.store.getKey(context.name, key.thumbprint)) !== null) return { inDoubt: false };
  const wrapped = await context.wrapper.wrap(privateKey, { keyset: context.name, kid: key.kid, alg: key.alg });
  return context.store.putKey(context.name, key.thumbprint, wrapped);
}
