import { JwtrotError } from '../../keyset/basics/error.js';
import { backedOff, keyIn } from '../../keyset/transitions/all.js';
import { OBSERVE_LIMIT } from '../../outlets/limits.js';
import { block, commit, isHurried, type Run } from '../run.js';
import { unwrapKey } from '../unwrap.js';

/**
 * Checks before the switch that signers can be given the key. After it they would go on with a key that is on its way
 * out, and have none after a reboot.
 * @returns false: they can't, so the former key signs on
 */
export async function isDeliverable(run: Run, kid: string, whatHolds: string): Promise<boolean> {
  const lacking = await run.context.outlets.undeliverable(isHurried(run) ? OBSERVE_LIMIT.hurried : OBSERVE_LIMIT.usual);
  const sealed = lacking.length > 0 ? null : await sealedKey(run, kid);
  const [first] = sealed === null ? lacking : [sealed];
  if (first === undefined) return true;
  const reasons = (sealed === null ? lacking : [sealed]).map(({ reason }) => reason).join('; ');
  const message = `the signing key can't be delivered: ${reasons}; ${whatHolds}`;
  block(run, 'rollout', { message, hint: first.hint });
  await commit(run, (m, { at }) => backedOff(m, reasons.slice(0, 300), at));
  return false;
}

/** A key that nobody here can unwrap (another KEK, a lost secret) must not become the one that signs. */
async function sealedKey(run: Run, kid: string): Promise<{ reason: string; hint: string | null } | null> {
  const { context, ledger } = run;
  if (context.outlets.deliver.length === 0) return null;
  try {
    (await unwrapKey(context, keyIn(ledger.known, kid, 'pending'))).fill(0);
    return null;
  } catch (error) {
    // The store or KMS may answer the next time.
    if (!(error instanceof JwtrotError) || error.kind !== 'refused') throw error;
    const isGone = error.code === 'key-missing';
    const first = isGone ? 'restore its secret from a backup' : 'mend that';
    // No rollback: it would also take signers off the key that signs now.
    const hint = `${first}; or give this key up, and let the next rotation make another: jwtrot retire --kid ${kid} --reason superseded`;
    return {
      reason: error.message.replace(/; nothing was (changed|delivered)$/, ''),
      hint: isGone ? hint : (error.hint ?? hint),
    };
  }
}
