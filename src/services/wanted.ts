import { quoteOutside } from '../keyset/basics/outside-text.js';
import { preloads, type Report, type Service, signs, verifies } from './service.js';

/**
 * What instances must report. Signers are judged only by their signing kid and what they have preloaded, verifiers only by
 * their accepted kids.
 */
export interface Wanted {
  /** The kid that signers must sign with. */
  readonly signs?: string;
  /** The kid whose private half those signers must hold that say what they have preloaded. */
  readonly preloads?: string;
  /** Kids that verifiers must accept. */
  readonly accepts?: readonly string[];
  /** Kids that verifiers must accept besides, where each is shown by itself. A list that holds a newer kid shows the older. */
  readonly inUse?: readonly string[];
  /** Kids that verifiers must not accept. A verifier's list counts only if it holds `activeKid`. */
  readonly drops?: readonly string[];
  readonly activeKid?: string;
}

/** The kids that verifiers are asked about. */
export function askedKids({ accepts = [], inUse = [], drops = [] }: Wanted): string[] {
  return [...new Set([...inUse, ...accepts, ...drops])];
}

export type Judgement =
  | { readonly met: true }
  | {
      readonly met: false;
      /** The answer is valid but still the old one: another reload may help. */
      readonly healthy: boolean;
      readonly reason: string;
    };

/**
 * What every report must contain: a signer's its kid, a verifier's its list of kids.
 * @returns what is missing; null if nothing
 */
export function missingIn(service: Service, report: Answered): string | null {
  const lacking = [
    ...(signs(service) && report.kid === null ? [NO_KID] : []),
    ...(verifies(service) && report.kids === null ? [NO_KIDS] : []),
    ...(preloads(service) && (report.preloaded ?? null) === null ? [NO_PRELOADED] : []),
  ];
  return lacking.length === 0 ? null : lacking.join(', ');
}

/** Where no canary was accepted. Its claims are the likeliest cause: a service that lacks one key alone accepts another. */
export function refusalOf(status: number): string {
  return `it answered each canary with ${status} (does it check iss or aud? See health.claims)`;
}

const NO_KID = 'reports no signing kid';
const NO_KIDS = 'reports no list of accepted kids';
const NO_PRELOADED = 'reports no list of preloaded kids';
const MET: Judgement = { met: true };

/** Judges whether an instance's report shows what is wanted, according to the service's role. */
export function judge(service: Service, report: Report, wanted: Wanted): Judgement {
  if (!report.ok) return { met: false, healthy: false, reason: report.reason };
  const unmet = [
    signs(service) ? judgeSigning(report.kid, wanted) : MET,
    preloads(service) ? judgePreloading(report.preloaded ?? null, wanted) : MET,
    verifies(service) ? judgeAccepting(report, wanted) : MET,
  ].filter((judgement) => !judgement.met);
  if (unmet.length === 0) return MET;
  const reason = unmet.map((judgement) => judgement.reason).join(', ');
  return { met: false, healthy: unmet.every((judgement) => judgement.healthy), reason };
}

function judgeSigning(kid: string | null, wanted: Wanted): Judgement {
  if (wanted.signs === undefined) return MET;
  if (kid === null) return { met: false, healthy: false, reason: NO_KID };
  return wanted.signs === kid ? MET : old(`signs with ${quoteOutside(kid)}`);
}

function judgePreloading(kids: readonly string[] | null, wanted: Wanted): Judgement {
  if (wanted.preloads === undefined) return MET;
  if (kids === null) return { met: false, healthy: false, reason: NO_PRELOADED };
  return kids.includes(wanted.preloads) ? MET : old(`has not preloaded ${quoteOutside(wanted.preloads)}`);
}

function judgeAccepting({ kids, rejects, unshown = [], refusedWith }: Answered, wanted: Wanted): Judgement {
  const { drops, activeKid, inUse = [] } = wanted;
  const accepts =
    rejects === undefined || wanted.accepts === undefined ? wanted.accepts : [...inUse, ...wanted.accepts];
  if (accepts === undefined && drops === undefined) return MET;
  if (kids === null) return { met: false, healthy: false, reason: NO_KIDS };
  const missing = new Set(accepts?.filter((kid) => !kids.includes(kid) && !unshown.includes(kid)));
  const refused = refusedWith === undefined ? '' : `: ${refusalOf(refusedWith)}`;
  if (missing.size > 0) return old(`does not accept ${[...missing].map(quoteOutside).join(', ')}${refused}`);
  if (drops === undefined) return MET;
  // A list without the active key is empty or foreign: it lacks the dropped kids, but proves nothing.
  if (activeKid !== undefined && !kids.includes(activeKid)) {
    return old(`does not accept the active key ${quoteOutside(activeKid)}${refused}`);
  }
  const held = drops.filter((kid) => kids.includes(kid));
  if (held.length > 0) return old(`still accepts ${held.map(quoteOutside).join(', ')}`);
  const unsure = rejects === undefined ? [] : drops.filter((kid) => !rejects.includes(kid) && !unshown.includes(kid));
  if (unsure.length === 0) return MET;
  const reason = `was not seen to reject ${unsure.map(quoteOutside).join(', ')}`;
  // Another reload would not help.
  return activeKid === undefined ? { met: false, healthy: false, reason: `${reason}: ${NONE_ACTIVE}` } : old(reason);
}

const NONE_ACTIVE = 'it counts beside an acceptance alone, and no key is active';

type Answered = Extract<Report, { ok: true }>;

function old(reason: string): Judgement {
  return { met: false, healthy: true, reason };
}
