import type { OutletContent } from '../keyset/published/jwk-set.js';
import {
  anotherHistory,
  badRecord,
  emptied,
  type Finding,
  foreignFile,
  olderRevision,
  otherKeyset,
  retiredKey,
  type Seen,
  unknownKid,
  unnameableKey,
} from './findings.js';
import type { Elsewhere } from './outlet.js';

/**
 * `write`: make it hold what the manifest says, but still report what is wrong with it. `subtract`: take out the keys
 * that incidents retire, add nothing. `leave`: leave it as it is. `stop`: this run must not write anywhere.
 */
export type Verdict =
  | { readonly do: 'write'; readonly because: Finding | null }
  | { readonly do: 'subtract'; readonly because: Finding }
  | { readonly do: 'leave'; readonly because: Finding }
  | { readonly do: 'stop'; readonly because: Finding };

/**
 * What a run may do with an outlet (docs/design.md, "Lineage and recovery"). Records can only keep keys from being
 * added. In an incident none of them keeps a key from being taken out.
 */
export function verdictOn(seen: Seen, content: OutletContent, otherHistory: Elsewhere): Verdict {
  const { isIncident } = content;
  const because = (verdict: 'subtract' | 'leave' | 'stop', finding: Finding | null): Verdict | null =>
    finding === null ? null : { do: verdict, because: finding };
  const isYielding = isIncident && seen.flaw?.yieldsToIncident === true;
  return (
    // First, because this host remembers another history: then comparing revisions means nothing.
    because('subtract', otherHistory === false ? null : anotherHistory(content, otherHistory)) ??
    because('stop', olderRevision(seen, content)) ??
    because(isIncident ? 'subtract' : 'stop', retiredKey(seen, content)) ??
    because(isIncident ? 'subtract' : 'leave', isYielding ? null : seen.flaw) ??
    because(isIncident ? 'leave' : 'stop', otherKeyset(seen, content)) ??
    because(isIncident ? 'subtract' : 'stop', unknownKid(seen, content)) ??
    because(isIncident ? 'leave' : 'stop', foreignFile(seen)) ??
    because(isIncident ? 'subtract' : 'leave', unnameableKey(seen, content)) ??
    because(isIncident ? 'subtract' : 'leave', badRecord(seen, content)) ??
    because(isIncident ? 'leave' : 'stop', emptied(seen, content)) ?? { do: 'write', because: seen.flaw }
  );
}
