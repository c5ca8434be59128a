import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { Instance } from './service.js';

/** A service with more is taken for a mistake. */
export const MOST_INSTANCES = 1000;

/**
 * Reads a JSON array of `"host:port"` or `{"name", "address"}`. An entry without a name is named by its address. Any
 * other entry becomes an instance with a flaw.
 * @returns what is wrong, when `text` is no such array
 */
export function parseInstances(text: string): Instance[] | string {
  const decoded = decodeJson(text);
  if (!decoded.ok) return `${decoded.reason}: ${quoteOutside(text)}`;
  const list = decoded.value;
  if (!Array.isArray(list)) return `not an array: ${quoteOutside(text)}`;
  if (list.length > MOST_INSTANCES) return `${list.length} instances, at most ${MOST_INSTANCES} are taken`;
  const instances: Instance[] = [];
  for (const [index, entry] of list.entries()) {
    const flaw = `the list holds ${quoteOutside(JSON.stringify(entry))} at ${index}, which is no instance`;
    instances.push(parseInstance(entry) ?? { name: `entry-${index}`, address: null, flaw });
  }
  return instances;
}

function parseInstance(entry: unknown): Instance | null {
  if (typeof entry === 'string') return { name: entry, address: entry };
  if (!isJsonObject(entry)) return null;
  const { address = null, name = address } = entry;
  if (typeof name !== 'string' || (address !== null && typeof address !== 'string')) return null;
  return { name, address };
}
