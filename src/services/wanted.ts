import { quoteOutside } from '../keyset/outside-text.js';
import { type Report, type Service, signs, verifies } from './service.js';

/** What instances must report. Signers are judged on the signing kid alone, verifiers on the accepted kids alone. */
export interface Wanted {
  /** The kid that signers must sign with. */
  readonly signs?: string;
  /** Kids that signers must not sign with. */
  readonly notSigning?: readonly string[];
  /** Kids that verifiers must accept. */
  readonly accepts?: readonly string[];
  /** Kids that verifiers must not accept; counts only if their list is there and holds `activeKid`. */
  readonly drops?: readonly string[];
  readonly activeKid?: string;
}

export type Judgement =
  | { readonly met: true }
  | {
      readonly met: false;
      /** It answered validly, but as before: another reload may help. */
      readonly healthy: boolean;
      readonly reason: string;
    };

const MET: Judgement = { met: true };

/** Does an instance's report show what is wanted of a service of its role? */
export function judge(service: Service, report: Report, wanted: Wanted): Judgement {
  if (!report.ok) return { met: false, healthy: false, reason: report.reason };
  const signing = signs(service) ? judgeSigning(report.kid, wanted) : MET;
  const accepting = verifies(service) ? judgeAccepting(report.kids, wanted) : MET;
  if (signing.met) return accepting;
  if (accepting.met) return signing;
  return {
    met: false,
    healthy: signing.healthy && accepting.healthy,
    reason: `${signing.reason}, ${accepting.reason}`,
  };
}

function judgeSigning(kid: string | null, wanted: Wanted): Judgement {
  if (wanted.signs === undefined && wanted.notSigning === undefined) return MET;
  if (kid === null) return { met: false, healthy: false, reason: 'reports no signing kid' };
  if (wanted.notSigning?.includes(kid)) return old(`still signs with ${quoteOutside(kid)}`);
  if (wanted.signs !== undefined && wanted.signs !== kid) return old(`signs with ${quoteOutside(kid)}`);
  return MET;
}

function judgeAccepting(kids: readonly string[] | null, wanted: Wanted): Judgement {
  const { accepts, drops, activeKid } = wanted;
  if (accepts === undefined && drops === undefined) return MET;
  if (kids === null) return { met: false, healthy: false, reason: 'reports no list of accepted kids' };
  const missing = accepts?.filter((kid) => !kids.includes(kid)) ?? [];
  if (missing.length > 0) return old(`does not accept ${missing.map(quoteOutside).join(', ')}`);
  if (drops === undefined) return MET;
  // An empty or foreign list drops everything, and shows nothing.
  if (activeKid !== undefined && !kids.includes(activeKid)) {
    return old(`does not accept the active key ${quoteOutside(activeKid)}`);
  }
  const held = drops.filter((kid) => kids.includes(kid));
  return held.length > 0 ? old(`still accepts ${held.map(quoteOutside).join(', ')}`) : MET;
}

function old(reason: string): Judgement {
  return { met: false, healthy: true, reason };
}
