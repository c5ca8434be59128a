// Rotates every three seconds under continuous traffic, and counts how many tokens the verifier rejects.
import { rotationsUnderLoad } from '../test/load/traffic.js';

/** Long enough for keys to expire meanwhile. */
const SECONDS = 45;

/** @returns {Promise<import('./measure.js').Section>} */
export async function load() {
  const { minted, checkedNew, checkedOld, rejected, kids, published, rotations, failed } =
    await rotationsUnderLoad(SECONDS);
  if (failed.length > 0) throw new Error(`a run ended badly under load: ${failed[0]}`);
  for (const line of rejected) console.error(`bench: rejected: ${line}`);
  const unchecked = 2 * minted - checkedNew - checkedOld;
  const detail = `${SECONDS} s, ${rotations} rotations: ${minted} tokens of 20 s minted with ${kids} keys (${published} still published), ${checkedNew} checked when new, ${checkedOld} again when old, ${rejected.length} rejected`;
  return { figures: [{ name: 'load', value: rejected.length + unchecked, limit: 0, unit: '', detail }] };
}
