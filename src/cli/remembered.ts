import type { KeysetConfiguration } from '../config/configuration.js';
import { EXIT, type JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside, shellWord } from '../keyset/basics/outside-text.js';
import type { KeysetRecord, RetiredKey } from '../keyset/history/record.js';
import { isUnreadable } from '../keyset/manifest/encoding.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import type { KeysetContext } from '../rollout/context.js';
import { outletsNow, UNTOLD } from '../rollout/history-problems.js';
import { otherHistoryError, withoutState } from '../rollout/other-history.js';
import { isTransient } from '../rollout/patience.js';
import type { Problem } from '../rollout/problem.js';
import type { KeysetResult } from '../rollout/rotate.js';
import { chosen, type Named, type SearchedKeyset } from './named.js';

/*
 * Handles a repeated `retire` of a key that this host retired, that lies in no outlet any more, while the store can't
 * be read.
 */

/** All that is known of the key. Its public half is nowhere here. */
export interface RememberedKey {
  readonly keyset: KeysetConfiguration;
  readonly context: KeysetContext;
  readonly kid: string;
  /** Why the store could not be read. */
  readonly failure: JwtrotError;
}

export interface Memories {
  readonly keys: readonly RememberedKey[];
  /** Keysets whose record on this host can't be read. */
  readonly unread: readonly string[];
}

/**
 * Looks for a named key in this host's records, only for keysets that can't be read or that the store has lost: for
 * others the store knows.
 */
export async function retiredHere(searched: readonly SearchedKeyset[], named: Named): Promise<Memories> {
  const unread: string[] = [];
  const keys = await Promise.all(
    searched.map(async ({ keyset, context, seen }): Promise<RememberedKey[]> => {
      const record = await context.records.read().catch(() => {
        unread.push(keyset.name);
        return null;
      });
      const failure = seen.failure ?? (seen.manifest === null ? lost(context, record) : null);
      if (failure === null) return [];
      const pairs = onePerPair(chosen(record?.retired ?? [], named));
      return pairs.map(({ kid }) => ({ keyset, context, kid, failure }));
    }),
  );
  return { keys: keys.flat(), unread };
}

/** The store has no such keyset, and this host knows better; null: it does not. */
function lost(context: KeysetContext, record: KeysetRecord | null): JwtrotError | null {
  return record === null ? null : otherHistoryError({ context, record, manifest: null, other: { why: 'lost' } });
}

function onePerPair(found: readonly RetiredKey[]): readonly RetiredKey[] {
  return found.filter((one, i) => found.findIndex(({ thumbprint }) => thumbprint === one.thumbprint) === i);
}

/** Shown before waiting for the store, which may take until the deadline. */
export function waitingText({ keyset, kid }: RememberedKey): string {
  return `keyset ${keyset.name}: this host has retired key ${quoteOutside(kid)} already; the store is asked until the deadline, and told when it answers`;
}

/** The result of `retire`: nothing is left to do until the store can be read. */
export async function rememberedResult({ keyset, context, kid, failure }: RememberedKey): Promise<KeysetResult> {
  const holdings = await context.outlets.observe(OBSERVE_LIMIT.hurried);
  const message = [
    withoutState(failure.message),
    `this host has retired key ${quoteOutside(kid)} already: ${outletsNow(holdings, mayHold)}`,
    ...(isLost(failure) ? [] : [UNTOLD]),
    'verifiers were not asked again',
  ].join('; ');
  const problem: Problem = {
    block: null,
    code: isLost(failure) ? failure.code : isUnreadable(failure) ? 'store-damaged' : 'store-failed',
    message,
    hint: nextCommand(keyset.name, kid, failure),
    kind: 'services',
  };
  return {
    name: keyset.name,
    actions: [],
    active: null,
    outcome: 'retired',
    exit: EXIT.services,
    problems: [problem],
    error: null,
    manifest: null,
    isOtherHistory: true,
  };
}

function isLost({ code }: JwtrotError): boolean {
  return code === 'other-history';
}

/** Outlets that can be read were searched already. */
function mayHold({ keys, intact }: Holding): boolean {
  return keys !== null && keys.length === 0 && !intact;
}

function nextCommand(keyset: string, kid: string, failure: JwtrotError): string {
  const command = `jwtrot retire --kid ${shellWord(kid)}`;
  if (isTransient(failure)) return `when the store answers, give the same command again: ${command}`;
  if (failure.code === 'manifest-damaged' || isLost(failure)) {
    return `next: jwtrot store recover --keyset ${keyset}`;
  }
  return [...(failure.hint ? [failure.hint] : []), `then give the same command again: ${command}`].join('; ');
}
