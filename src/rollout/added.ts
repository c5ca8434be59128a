import type { Manifest } from '../keyset/manifest/model.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { publishedKeys } from '../keyset/questions/keys.js';

/** A key that an outlet was given. */
export interface AddedKey {
  /** As `Holding.outlet`. */
  readonly outlet: string;
  readonly kid: string;
  readonly thumbprint: string;
}

/** Keys of the manifest that an outlet holds and did not hold before. */
export function addedSince(
  before: readonly Holding[],
  now: readonly Holding[],
  manifest: Manifest,
): readonly AddedKey[] {
  return now.flatMap((holding) =>
    publishedKeys(manifest)
      .filter((key) => isIn(key, holding) && !before.some((one) => isSame(one, holding) && isIn(key, one)))
      .map(({ kid, thumbprint }) => ({ outlet: holding.outlet, kid, thumbprint })),
  );
}

/** The added keys that are still where they were put. */
export function stillThere(added: readonly AddedKey[], now: readonly Holding[]): readonly AddedKey[] {
  return added.filter((key) => now.some((holding) => holding.outlet === key.outlet && isIn(key, holding)));
}

function isSame(a: Holding, b: Holding): boolean {
  return a.outlet === b.outlet && a.kind === b.kind;
}

function isIn({ thumbprint }: Pick<AddedKey, 'thumbprint'>, { keys }: Holding): boolean {
  return (keys ?? []).some((held) => held.thumbprint === thumbprint);
}
