import { JwtrotError } from '../keyset/basics/error.js';
import type { OutletContent } from '../keyset/published/jwk-set.js';
import type { Finding } from './findings.js';
import { type GiveResult, type Giving, give, inTime, type Observed, rememberLess } from './give.js';
import type { OutletProblem } from './outlet.js';
import { outletProblem, problemOf } from './problem.js';
import type { Sight } from './sight.js';
import { goneKeys, type Remainder, withoutKeys } from './subtract.js';
import type { Verdict } from './verdict.js';

export interface Judged extends Observed {
  readonly verdict: Exclude<Verdict, { readonly do: 'stop' }>;
}

/** What happened with one outlet. */
export interface Outcome {
  readonly wrote: boolean;
  readonly problems: readonly OutletProblem[];
}

/** Carries out the verdict on an outlet, and says exactly what it did. */
export async function carryOut(judged: Judged, giving: Giving): Promise<Outcome> {
  const { verdict, place, sight, taken } = judged;
  const { label } = place.target;
  const { content } = giving;
  switch (verdict.do) {
    case 'leave':
      return {
        wrote: taken.length > 0,
        problems: [named(label, afterTaking(taken, leftBecause(sight, content)), verdict.because, content)],
      };
    case 'subtract':
      return takeOut(judged, verdict.because, giving);
    case 'write': {
      const { wrote, unrecorded } = await give(judged, giving);
      const flaw = verdict.because;
      const problems =
        flaw === null ? [] : [named(label, 'was written all the same, since an incident is open', flaw, content)];
      return { wrote: wrote || taken.length > 0, problems: [...problems, ...notRecorded(label, unrecorded, content)] };
    }
  }
}

async function takeOut({ place, sight, taken }: Observed, because: Finding, giving: Giving): Promise<Outcome> {
  const { target, directory } = place;
  const { content, records, limit, signal, newId } = giving;
  signal.throwIfAborted();
  const gone = goneKeys(content);
  const remainder = await withoutKeys(target, sight, gone, content.allowEmpty);
  const done = (wrote: boolean) => ({
    wrote: wrote || taken.length > 0,
    problems: [
      named(
        target.label,
        remainder.type === 'nothing' && taken.length > 0
          ? `has lost ${taken.join(', ')}, and is otherwise as it was`
          : afterTaking(taken, takenOut(remainder, remainder.type === 'stays' ? maybeHeld(gone, sight) : gone)),
        because,
        content,
      ),
    ],
  });
  if (remainder.type !== 'less') return done(false);
  const { bytes } = remainder;
  const unrecorded = await inTime(place, giving, async () => {
    // A record that can't be written does not stop a key from being taken out.
    const failed = await rememberLess(records, target.label, sight, bytes).then(
      () => [],
      (error: unknown) => [error],
    );
    await target.put({ directory, bytes, content, sight, limit, signal, newId });
    return failed;
  });
  const { wrote, problems } = done(true);
  return { wrote, problems: [...problems, ...notRecorded(target.label, unrecorded, content)] };
}

/** @param what happened then */
export function afterTaking(taken: readonly string[], what: string): string {
  return taken.length === 0 ? what : `has lost ${taken.join(', ')}, and apart from that it ${what}`;
}

/** Words for a problem, after the outlet's path: what happened when keys were to be taken out of it. */
export function takenOut(remainder: Remainder, gone: OutletContent['retiring']): string {
  const kids = gone.map(({ kid }) => kid).join(', ');
  switch (remainder.type) {
    case 'less':
      return remainder.bytes === null
        ? `has lost ${remainder.taken.join(', ')}: it held nothing else, and its file was removed`
        : `has lost ${remainder.taken.join(', ')}, and is otherwise as it was`;
    case 'stays':
      return `was left as it is, and may still hold ${kids} (${remainder.why})`;
    case 'nothing':
      return gone.length === 0
        ? 'was left as it is'
        : `was left as it is (the retired ${gone.length === 1 ? `key ${kids} is` : `keys ${kids} are`} not in it)`;
  }
}

/** Those of `gone` that an outlet holds; all of them if its keys can't be told. */
function maybeHeld(gone: OutletContent['retiring'], { keys, foreign }: Sight): OutletContent['retiring'] {
  const held = gone.filter((key) => keys?.some((one) => one.kid === key.kid || one.thumbprint === key.thumbprint));
  return held.length === 0 || foreign ? gone : held;
}

function leftBecause({ keys, foreign }: Sight, content: OutletContent): string {
  const gone = goneKeys(content);
  const kids = gone.map(({ kid }) => kid).join(', ');
  if (gone.length > 0 && foreign) return `was left as it is, and may still hold ${kids}`;
  const held = gone.filter((key) => keys?.some((one) => one.kid === key.kid || one.thumbprint === key.thumbprint));
  if (held.length === 0) return 'was left as it is';
  return `was left as it is, and still holds ${held.map(({ kid }) => kid).join(', ')}`;
}

function named(
  outlet: string,
  what: string,
  { code, why, hint, kind }: Finding,
  content: OutletContent,
): OutletProblem {
  return problemOf(outlet, new JwtrotError(kind, code, `${outlet} ${what}: ${why}`, { hint }), content);
}

function notRecorded(outlet: string, errors: GiveResult['unrecorded'], content: OutletContent): OutletProblem[] {
  return errors.map((error) => {
    const problem = problemOf(outlet, outletProblem('cannot write a record', "the record's directory", error), content);
    return { ...problem, message: `${outlet} was written, and that could not be recorded: ${problem.message}` };
  });
}

/** This run must write nothing at all. */
export function stopping(outlet: string, { code, why, hint, kind }: Finding): JwtrotError {
  return new JwtrotError(kind, code, `${outlet}: ${why}; nothing was written`, { hint });
}
