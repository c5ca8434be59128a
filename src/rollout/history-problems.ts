import { quoteOutside, shellWord } from '../keyset/basics/outside-text.js';
import type { OtherHistory } from '../keyset/history/other-history.js';
import { renamedText } from '../keyset/history/renamed.js';
import { isRetired } from '../keyset/manifest/states.js';
import { holdsRetiring } from '../keyset/planning/elsewhere.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { activeKey } from '../keyset/questions/keys.js';
import { stillThere } from './added.js';
import { describeOther, hintFor, troubleOf } from './other-history.js';
import type { Problem } from './problem.js';
import type { Run } from './run.js';

/*
 * What an incident reports when the store shows another history or fails: what was done here, what the store knows.
 */

/** Said of a key that this host has retired before. */
export const UNTOLD =
  "the store can't be read, so jwtrot can't tell whether it knows of the retirement: give the command again when it can be read";

type Ended = Pick<Run, 'context' | 'ledger' | 'holdings' | 'added'>;

/** Problems with this host's record and the store's history: exit 4, whatever else was done. */
export function historyProblems(run: Ended): Problem[] {
  const { context, ledger } = run;
  const { history, manifest } = ledger;
  const problems = history.memory.troubles.map((error): Problem => ({ block: null, ...troubleOf(error) }));
  if (history.other === null) return problems;
  if (history.other.why === 'damaged') return [...problems, storeless(run, history.other)];
  if (history.other.why === 'renamed') {
    const what = `${context.store.description} holds another history of keyset ${context.name} than this host knows: ${renamedText(history.other)}`;
    return [...problems, storeless(run, { code: 'other-history', what, hint: null })];
  }
  const isKeyless = manifest !== null && activeKey(manifest) === null;
  const comparison = { context, record: history.memory.known, manifest, other: history.other };
  const message = [
    `${context.store.description} holds another history of keyset ${context.name} than this host knows: ${describeOther(comparison)}`,
    `the request is recorded there; ${outletsAfter(run)}`,
    ...(isKeyless ? ['no key is active there now, and none was made: it could not be published from there'] : []),
  ].join('; ');
  return [
    ...problems,
    { block: null, code: 'other-history', message, hint: hintFor(context.name, history.other), kind: 'services' },
  ];
}

/** Which outlets of this host still hold the key, and what this run has added to them. */
function outletsAfter({ ledger: { manifest }, holdings, added }: Ended): string {
  const now = outletsNow(holdings, (holding) => manifest !== null && holdsRetiring(holding, manifest));
  const kids = [...new Set(stillThere(added, holdings).map(({ kid }) => kid))];
  if (kids.length === 0) return `${now}, and nothing was added to any`;
  const places = (kid: string) => new Set(added.flatMap((one) => (one.kid === kid ? one.outlet : [])));
  const list = kids.map((kid) => `key ${quoteOutside(kid)} to ${[...places(kid)].join(', ')}`);
  return `${now}; before that this run had added ${list.join(' and ')}`;
}

/** @param holds whether an outlet holds the key, or may hold it */
export function outletsNow(holdings: readonly Holding[], holds: (holding: Holding) => boolean): string {
  if (holdings.length === 0) return 'this host writes no outlet';
  const list = (some: readonly Holding[]) => [...new Set(some.map(({ outlet }) => outlet))].join(', ');
  const left = holdings.filter(holds);
  const free = holdings.filter((holding) => !holds(holding));
  if (left.length === 0) return `the key is not in ${list(free)}`;
  return `the key may still be in ${list(left)}${free.length === 0 ? '' : `, it is not in ${list(free)}`}`;
}

type Trouble = Pick<OtherHistory & { readonly why: 'damaged' }, 'what' | 'hint' | 'isTransient'> & {
  readonly code: string;
};

/** The store can't be read, written or believed: only outlets, and this host's record, show what was done. */
function storeless(run: Ended, trouble: Trouble): Problem {
  const { code, what, hint, isTransient } = trouble;
  const { name } = run.context;
  const { manifest } = run.ledger;
  const { isRemembered } = rememberedOf(run);
  const named = (manifest?.retirements ?? []).map(({ kid }) => ` --retired ${shellWord(kid)}`);
  const recover = `next: jwtrot store recover --keyset ${name}${isRemembered ? '' : named.join('')}`;
  const mend = [...(hint === '' || hint === null ? [] : [hint]), 'then retire it again'].join('; ');
  const wait = `when the store answers, give the same command again${sameCommand(run)}: ${whatFollows(run)}${hint ? ` (${hint})` : ''}`;
  return {
    block: null,
    code,
    message: [what, outletsAfter(run), knowledge(run, trouble)].join('; '),
    hint: hint === null ? recover : isTransient ? wait : mend,
    kind: 'services',
  };
}

/** The key that was asked for last, though nothing of the request may be open any more. */
function askedKey({ ledger: { manifest } }: Pick<Run, 'ledger'>) {
  const asked = manifest?.events.findLast(({ type }) => type === 'retire-requested');
  const kid = manifest?.retirements.at(-1)?.kid ?? asked?.kid;
  return manifest?.keys.find((key) => key.kid === kid) ?? null;
}

function sameCommand(run: Ended): string {
  const key = askedKey(run);
  return key === null ? '' : ` (jwtrot retire --kid ${shellWord(key.kid)})`;
}

function rememberedOf(run: Ended): { readonly isRemembered: boolean; readonly wasBefore: boolean } {
  const { memory } = run.ledger.history;
  const thumbprint = askedKey(run)?.thumbprint;
  if (thumbprint === undefined) return { isRemembered: false, wasBefore: false };
  return { isRemembered: memory.isRetired(thumbprint), wasBefore: memory.wasRetired(thumbprint) };
}

/** Who knows of the retirement: the store, as far as it has answered, and this host. */
function knowledge(run: Ended, { code }: Trouble): string {
  const { isRemembered, wasBefore } = rememberedOf(run);
  const store = storeKnows(run, code, wasBefore);
  if (store === null && !isRemembered) return 'neither the store nor this host knows of the retirement yet';
  const host = wasBefore
    ? 'this host had retired the key already'
    : isRemembered
      ? 'this host remembers it'
      : 'this host does not remember it';
  return store === null ? `the store does not know of the retirement yet, ${host}` : `${store}; ${host}`;
}

/** @returns null: it knows nothing of the retirement, as far as can be told */
function storeKnows(run: Ended, code: string, wasBefore: boolean): string | null {
  const kid = askedKey(run)?.kid;
  const { told } = run.ledger;
  if (kid === undefined) return null;
  // An earlier run may have told the store, or this command on another host.
  if (!told.hasAnswered && wasBefore) return UNTOLD;
  if (!told.hasAnswered && code === 'store-failed') return 'the store could not be told of the retirement';
  const doubt = told.inDoubt(kid);
  switch (told.of(kid)) {
    case 'end':
      return 'the store knows of the retirement, and that the key is retired';
    case 'request':
      return doubt === null
        ? 'the store has the request, and does not know yet that the key is retired'
        : 'the store has the request; whether it knows that the key is retired is in doubt, since a commit went unanswered';
    case 'nothing':
      return doubt === null
        ? null
        : 'whether the store knows of the retirement is in doubt, since a commit went unanswered';
  }
}

/** What the same command does when the store answers. */
function whatFollows(run: Ended): string {
  const key = askedKey(run);
  const { told } = run.ledger;
  if (key !== null && told.of(key.kid) === 'end') return 'it goes on with what is left';
  const active = told.seen === null ? null : activeKey(told.seen);
  const isReplaced = active !== null && active.kid !== key?.kid && !isBeingEnded(run, active.kid);
  return isReplaced ? 'it tells the store' : 'it tells the store, and another key signs';
}

function isBeingEnded({ ledger: { manifest } }: Ended, kid: string): boolean {
  return manifest?.keys.some((key) => key.kid === kid && isRetired(key)) ?? false;
}
