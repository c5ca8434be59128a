import type { GivenOutlet, KeysetRecord } from './record.js';

/** What the host remembers giving to an outlet; null: nothing. */
export function givenTo(record: KeysetRecord | null, outlet: string): GivenOutlet | null {
  return record?.outlets.find((one) => one.outlet === outlet) ?? null;
}

/**
 * The record with what an outlet is about to receive. Unchanged records are returned as they are. Null if the host
 * remembers nothing of the keyset: then the entry has no history to belong to.
 */
export function withGiven(record: KeysetRecord | null, { outlet, sha256 }: GivenOutlet): KeysetRecord | null {
  if (record === null) return null;
  const former = givenTo(record, outlet);
  if (former === null ? sha256 === null : former.sha256 === sha256) return record;
  const others = record.outlets.filter((one) => one.outlet !== outlet);
  return { ...record, outlets: [...others, { outlet, sha256 }] };
}
