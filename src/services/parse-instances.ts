import { quoteOutside } from '../keyset/outside-text.js';
import type { Instance } from './service.js';

/** More would be a mistake, and each is asked at the same time. */
const MOST_INSTANCES = 1000;

/**
 * Reads a JSON array of `"host:port"` or `{"name", "address"}`; either of the two stands for the other.
 * @returns what is wrong with it, when it is something else
 */
export function parseInstances(text: string): Instance[] | string {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return `not JSON: ${quoteOutside(text)}`;
  }
  if (!Array.isArray(list)) return `not an array: ${quoteOutside(text)}`;
  if (list.length > MOST_INSTANCES) return `${list.length} instances, at most ${MOST_INSTANCES} are taken`;
  const instances: Instance[] = [];
  for (const [index, entry] of list.entries()) {
    const instance = parseInstance(entry);
    if (instance === null) return `entry ${index}: ${quoteOutside(JSON.stringify(entry))}`;
    instances.push(instance);
  }
  return instances;
}

function parseInstance(entry: unknown): Instance | null {
  if (typeof entry === 'string') return { name: entry, address: entry };
  if (typeof entry !== 'object' || entry === null) return null;
  const { address = null, name = address } = entry as { name?: unknown; address?: unknown };
  if (typeof name !== 'string' || (address !== null && typeof address !== 'string')) return null;
  return { name, address };
}
