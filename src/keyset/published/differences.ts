import type { Key } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { activeKey } from '../questions/keys.js';
import { isLeaving } from './fence.js';
import { type Holding, isKeySet, wantedKeys } from './jwk-set.js';
import { sameTold, wantedTold } from './told.js';

/** A difference at outlets that no rollout, drop or refresh explains. */
export type Difference =
  | { readonly type: 'published-differs' | 'delivered-differs' }
  /** Another set than jwtrot's was served, or may have been: a cache may hold it. */
  | { readonly type: 'other-set-served' }
  /** A published pending key is missing from an outlet now: a cache may hold the set without it. */
  | { readonly type: 'pending-missing'; readonly kid: string }
  /** A retired key that every verifier had dropped is back in an outlet: a verifier may have read it there. */
  | { readonly type: 'retired-returned'; readonly kid: string }
  /** A former key is delivered again although its clock runs: a signer may have read it there. */
  | { readonly type: 'former-delivered'; readonly kid: string };

const LEAVE_NO_TRACE: readonly Difference['type'][] = ['other-set-served', 'pending-missing', 'former-delivered'];

/** Rewriting the outlets destroys this evidence, so it is committed first. */
export function leavesNoTrace(found: readonly Difference[]): boolean {
  return found.some(({ type }) => LEAVE_NO_TRACE.includes(type));
}

/** True if an outlet holds exactly what the manifest says. */
export function holdsWanted(holding: Holding, manifest: Manifest): boolean {
  const wanted = wantedKeys(manifest, holding);
  if (wanted === null) return holding.kind === 'publish' || holding.keys === null;
  if (holding.told !== undefined && !sameTold(holding.told, wantedTold(manifest))) return false;
  // A directory without a key in it holds the empty set.
  const held = heldKids(holding, manifest) ?? (holding.format === 'pem-files' ? [] : null);
  if (held === null || !holding.intact || held.length !== wanted.length) return false;
  return wanted.every((kid, i) => kid === held[i]) && (holding.format !== 'pem-files' || hasPairs(holding, manifest));
}

/** In a directory another key may lie under a known kid: its file is written anew. */
function hasPairs({ keys }: Holding, manifest: Manifest): boolean {
  const pairs = new Map(manifest.keys.map(({ kid, thumbprint }) => [kid, thumbprint]));
  return (keys ?? []).every(({ kid, thumbprint }) => kid !== null && pairs.get(kid) === thumbprint);
}

/** The kids in an outlet. A PEM holds no kid, so the thumbprint identifies its key. */
function heldKids(holding: Holding, manifest: Manifest | null): (string | null)[] | null {
  if (holding.keys === null) return null;
  return holding.keys.map(
    (key) => key.kid ?? manifest?.keys.find((one) => one.thumbprint === key.thumbprint)?.kid ?? null,
  );
}

export function unexplained(manifest: Manifest, differing: readonly Holding[]): readonly Difference[] {
  const { refresh, keys } = manifest;
  const jwks = differing.filter((holding) => holding.kind === 'publish' && isKeySet(holding.format));
  const pem = differing.some((holding) => holding.kind === 'publish' && holding.format === 'pem');
  const delivered = differing.filter((holding) => holding.kind === 'deliver');
  const strange = jwks.filter((holding) => !isUnderWay(manifest, holding));
  // A switch reloads signers anyway; without an active key there is nothing that they could read.
  const expected = manifest.rollout?.phase === 'switch' || activeKey(manifest) === null;
  // An absent file serves nothing; what a command that was begun before has published, nobody knows.
  const served = strange.some((holding) => holding.keys !== null || holding.busyUntil !== undefined);
  const found: Difference[] = keys.flatMap((key) => differenceOf(key, manifest, { jwks, delivered }) ?? []);
  if (!refresh?.publish && strange.length > 0) found.push({ type: 'published-differs' });
  if (!refresh?.deliver && !expected && (pem || delivered.length > 0)) found.push({ type: 'delivered-differs' });
  if (!refresh?.served && served) found.push({ type: 'other-set-served' });
  return found;
}

/** What the differing outlets show of one key. */
function differenceOf(
  key: Key,
  manifest: Manifest,
  { jwks, delivered }: { readonly jwks: readonly Holding[]; readonly delivered: readonly Holding[] },
): Difference | null {
  const { kid } = key;
  const holds = (holding: Holding) => (heldKids(holding, manifest) ?? []).includes(kid);
  switch (key.state) {
    case 'pending':
      return key.publishedAt !== null && !jwks.every(holds) ? { type: 'pending-missing', kid } : null;
    case 'deprecated':
      return key.signedUntil !== null && delivered.some(holds) ? { type: 'former-delivered', kid } : null;
    case 'retired':
      return key.droppedAt !== null && jwks.some(holds) ? { type: 'retired-returned', kid } : null;
    default:
      return null;
  }
}

/** True if it lacks only keys about to be published and has only surplus keys about to go. */
function isUnderWay(manifest: Manifest, holding: Holding): boolean {
  const held = heldKids(holding, manifest) ?? [];
  const wanted = wantedKeys(manifest, holding) ?? [];
  const keysOf = (kids: readonly (string | null)[]) => manifest.keys.filter((key) => kids.includes(key.kid));
  const lacking = keysOf(wanted.filter((kid) => !held.includes(kid)));
  const surplus = keysOf(held.filter((kid) => kid !== null && !wanted.includes(kid)));
  if (lacking.length + surplus.length === 0) return false;
  return lacking.every((key) => isComing(manifest, key)) && surplus.every(isLeaving);
}

function isComing({ rollout }: Manifest, key: Key): boolean {
  // An incident's deadline activates a key even if its publication was not read back.
  const onItsWay = key.state === 'pending' || (rollout?.phase === 'switch' && rollout.kid === key.kid);
  return onItsWay && key.publishedAt === null;
}
