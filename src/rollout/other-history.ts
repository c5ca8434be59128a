import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside, shellWord } from '../keyset/basics/outside-text.js';
import { isUntold, type OtherHistory } from '../keyset/history/other-history.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import { renamedText } from '../keyset/history/renamed.js';
import type { Manifest } from '../keyset/manifest/model.js';
import type { KeysetContext } from './context.js';
import type { Problem } from './problem.js';

/*
 * Messages for a store that shows another history than this host knows.
 */

export interface Comparison {
  readonly context: Pick<KeysetContext, 'name' | 'store'>;
  readonly record: KeysetRecord | null;
  readonly manifest: Manifest | null;
  readonly other: OtherHistory;
}

/** `it is at revision 90, and this host has seen 100`: the reason, and both revisions. */
export function describeOther({ other, record, manifest }: Omit<Comparison, 'context'>): string {
  const here = manifest === null ? 'nothing' : `revision ${manifest.revision}`;
  const known = record === null ? 'this host knows nothing of it' : `this host knows revision ${record.revision}`;
  switch (other.why) {
    case 'lost':
      return `the store has no such keyset any more, and ${known}${record === null ? '' : ' of it'}`;
    case 'damaged':
      return other.what;
    case 'outlet-ahead': {
      const isOfAnother = manifest !== null && other.lineage !== null && other.lineage !== manifest.lineage;
      return `${other.outlet} was written from revision ${other.revision}${isOfAnother ? ' of another lineage' : ''}, the store has ${manifest === null ? 'no such keyset any more' : here}, and ${known}`;
    }
    case 'lower-revision':
      // An incident's commits have raised the revision since.
      if (manifest !== null && record !== null && manifest.revision >= record.revision) {
        return `the store was older than revision ${record.revision}, which this host knows, and has ${here} by now`;
      }
      return `the store has ${here}, and ${known}`;
    case 'lineage':
      return `the store has ${here} of another lineage, and ${known} of lineage ${quoteOutside(record?.lineage ?? '')}`;
    case 'commit':
      return `the store has ${here}, and revision ${record?.revision} in it is another commit than the one that this host knows`;
    case 'retired-key':
      if (other.isUntold === true)
        return `key ${quoteOutside(other.kid)} is in use in the store's ${here}, and was retired on this host while the store could not be told`;
      return `key ${quoteOutside(other.kid)} is in use in the store's ${here}, and this host has seen it retired (it knows revision ${record?.revision})`;
    case 'renamed':
      return renamedText(other);
    case 'secret-gone':
      return `key ${quoteOutside(other.kid)} is in use in the store's ${here} and its private key is gone from there, and ${known}`;
  }
}

/** The message without its clause about the state of things, which no longer holds. */
export function withoutState(message: string): string {
  return message.replace(/; nothing was changed$/, '');
}

/** @returns exit 5, before anything was written */
export function otherHistoryError(comparison: Comparison): JwtrotError {
  const { context } = comparison;
  return new JwtrotError(
    'refused',
    'other-history',
    `${context.store.description} holds another history of keyset ${context.name} than this host knows: ${describeOther(comparison)}; nothing was changed`,
    { hint: hintFor(context.name, comparison.other) },
  );
}

/** A replica that lags behind shows no other history. @param home the region of the secret itself */
export function staleReplica(comparison: Comparison, home: string): JwtrotError {
  const { context } = comparison;
  return new JwtrotError(
    'leased',
    'stale-replica',
    `${context.store.description} holds a replica of keyset ${context.name}, which lags behind its home ${home}: ${describeOther(comparison)}; outlets keep what they hold`,
    { hint: `run it again later; or read the home itself: AWS_REGION=${home}` },
  );
}

export function recoverHint(keyset: string): string {
  return `if the store was restored from a backup, or lost: jwtrot store recover --keyset ${keyset}`;
}

/** The same command tells the store of a retirement that it has missed. Then both have one history again. */
export function tellHint(kid: string): string {
  return `tell it: jwtrot retire --kid ${shellWord(kid)}`;
}

export function hintFor(keyset: string, other: OtherHistory): string {
  return isUntold(other) ? tellHint(other.knownAs) : recoverHint(keyset);
}

/** Refuses a manifest or an import that would publish a retired key again. */
export function keyReturned(keyset: string, kid: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'retired-key',
    `key ${quoteOutside(kid)} was retired from keyset ${keyset}, as this host remembers: it never returns, under whatever kid; nothing was changed`,
    { hint: `use another key pair: jwtrot rotate --keyset ${keyset} makes one` },
  );
}

/** Any failure to read or write this host's record, as an error that an incident can report. */
export function troubleFrom(error: unknown): JwtrotError {
  if (error instanceof JwtrotError) return error;
  const message = `what this host remembers could not be read or written: ${quoteOutside(String(error))}`;
  return new JwtrotError('store', 'record-failed', message, { cause: error });
}

/** A failure of this host's record that did not end the run. */
export function troubleOf({ code, message, hint }: JwtrotError): Omit<Problem, 'block'> {
  return { code, message, hint: hint ?? null, kind: 'services' };
}
