import * as v from 'valibot';
import { isJsonObject, type Json } from '../basics/foreign-json.js';
import { manifestSchema } from './schema.js';

/** The newest shape that this version reads: `reads` in a manifest, beside `schema`. */
export const READS = 1;

/** More than the members that any one object can have gained: each round takes one out of every object. */
const MOST_ROUNDS = 64;

/** The shape that a reader must know to read a manifest safely; null: it says none that makes sense. */
export function readsOf(json: Json): number | null {
  const reads = isJsonObject(json) ? (json['reads'] ?? READS) : READS;
  return typeof reads === 'number' && Number.isSafeInteger(reads) && reads >= 1 ? reads : null;
}

/**
 * Parses a manifest as a reader may: what a later jwtrot added is taken out. That is safe, since a change that is not
 * safe for readers raises `reads`.
 * @param json is changed
 * @returns `isWhole`: nothing was taken out
 */
export function parseForReading(json: Json): { parsed: v.SafeParseResult<typeof manifestSchema>; isWhole: boolean } {
  let isWhole = true;
  if (isJsonObject(json)) {
    const members = json as Record<string, Json | undefined>;
    if (members['schema'] !== 1 || members['reads'] !== undefined) isWhole = false;
    if (typeof members['schema'] === 'number' && members['schema'] > 1) members['schema'] = 1;
    delete members['reads'];
  }
  for (let round = 0; ; round++) {
    const parsed = v.safeParse(manifestSchema, json);
    const added = (parsed.issues ?? []).flatMap(addedMember);
    if (parsed.success || added.length === 0 || round === MOST_ROUNDS) return { parsed, isWhole };
    isWhole = false;
    for (const { object, name } of added) delete object[name];
  }
}

/** The member that a strict object of the schema does not know. */
function addedMember(issue: v.BaseIssue<unknown>): { object: Record<string, unknown>; name: string }[] {
  const last = issue.path?.at(-1);
  if (issue.type !== 'strict_object' || issue.expected !== 'never' || last?.origin !== 'key') return [];
  return [{ object: last.input as Record<string, unknown>, name: String(last.key) }];
}
