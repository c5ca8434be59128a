import { JwtrotError } from '../../src/keyset/basics/error.js';
import { givenTo, withGiven } from '../../src/keyset/history/given-outlet.js';
import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { Finding } from '../../src/outlets/findings.js';
import type { Elsewhere, OutletProblem } from '../../src/outlets/outlet.js';
import { type Verdict, verdictOn } from '../../src/outlets/verdict.js';
import type { DeliverPlace } from './deliver-place.js';
import { PublishPlace, wantedKids } from './outlet.js';
import type { Runner } from './runner.js';

export type Place = PublishPlace | DeliverPlace;

/** The result for one outlet. */
export interface Done {
  readonly wrote: boolean;
  readonly problem: OutletProblem | null;
}

/** The verdict by the rules of the real outlets. @throws JwtrotError if nothing may be written */
export function judge(place: Place, { host }: Runner, content: OutletContent, otherHistory: Elsewhere): Verdict {
  const held = kidsIn(place);
  const seen = {
    outlet: place.label,
    path: place.label,
    format: place.outlet.format,
    record: isKeptNowhere(place) ? ('kept nowhere' as const) : (place.record ?? ('absent' as const)),
    recordPath: `${place.label}.jwtrot`,
    remembered: host.record,
    given: givenTo(host.record, place.label),
    sight: {
      keys: held?.map((kid) => ({ kid, thumbprint: kid })) ?? null,
      foreign: false,
      isThere: held !== null,
      sha256: held === null ? null : sumOf(held),
    },
    wouldBeEmptied:
      place instanceof PublishPlace && wantedKids(content, place.outlet) === null && (held?.length ?? 0) > 0,
    unnameable: null,
    flaw: null,
  };
  const verdict = verdictOn(seen, content, otherHistory);
  if (verdict.do !== 'stop') return verdict;
  const { kind, code, why, hint } = verdict.because;
  throw new JwtrotError(kind, code, `${place.label}: ${why}; nothing was written`, { hint });
}

/** What a deliver command's `holds` says counts for more than any record. */
function isKeptNowhere(place: Place): boolean {
  return !(place instanceof PublishPlace) && place.isCommand;
}

/** Of what it holds. */
export function heldSum(place: Place): string | null {
  const held = kidsIn(place);
  return held === null ? null : sumOf(held);
}

export function kidsIn(place: Place): readonly string[] | null {
  if (!(place instanceof PublishPlace)) return place.shown() === null ? null : [place.shown() as string];
  // A command can't be asked what it holds: only what it was given is known.
  if (place.outlet.type === 'command') return place.given.kids;
  return place.content.absent ? null : place.content.kids;
}

/** Both records, before the outlet is touched. */
export function remember(
  place: Place,
  { host }: Runner,
  { keyset, lineage, revision }: OutletContent,
  kids: readonly string[] | null,
): void {
  if (!isKeptNowhere(place)) place.record = { keyset, lineage, revision };
  host.record = withGiven(host.record, { outlet: place.label, sha256: kids === null ? null : sumOf(kids) });
}

/** If it holds what it was given, its content is known without the removed keys, too. @param kids that stay */
export function rememberLess(place: Place, { host }: Runner, kids: readonly string[] | null): void {
  const given = givenTo(host.record, place.label);
  if (given === null || given.sha256 !== heldSum(place)) return;
  host.record = withGiven(host.record, { outlet: place.label, sha256: kids === null ? null : sumOf(kids) });
}

/** Stands for the sum of the text. */
export function sumOf(kids: readonly string[]): string {
  return kids.join(' ');
}

export function problemOf(
  outlet: string,
  { code, why, kind, hint }: Finding,
  { isIncident }: OutletContent,
): OutletProblem {
  const message = `${outlet} was not written: ${why}`;
  return { outlet, code, message, hint, kind: isIncident ? 'services' : kind, passing: false };
}

export function failureOf(outlet: string, ended: PromiseSettledResult<Done>, content: OutletContent): OutletProblem[] {
  if (ended.status === 'fulfilled') return ended.value.problem === null ? [] : [ended.value.problem];
  const error: unknown = ended.reason;
  if (!(error instanceof JwtrotError)) throw error;
  const { code, message, kind, hint = null } = error;
  return [{ outlet, code, message, hint, kind: content.isIncident ? 'services' : kind, passing: false }];
}
