/**
 * Zeller's ddmin: the items that are left when no item, and no group of items that was tried, can be left out.
 * @param attempt plays these items and returns those that came about; null: it no longer fails
 */
export async function ddmin<T>(
  all: readonly T[],
  attempt: (some: readonly T[]) => Promise<readonly T[] | null>,
): Promise<readonly T[]> {
  const none = await attempt([]);
  if (none !== null) return none;
  let items = all;
  let parts = 2;
  while (items.length >= 2) {
    const size = Math.ceil(items.length / parts);
    const found = await firstThatFails(items, size, attempt);
    if (found !== null) {
      items = found;
      parts = Math.max(2, Math.min(parts - 1, items.length));
    } else if (size === 1) break;
    else parts = Math.min(items.length, parts * 2);
  }
  return items;
}

/** The items without one chunk of this size, chunk by chunk; later chunks first, since they depend on earlier ones. */
async function firstThatFails<T>(
  items: readonly T[],
  size: number,
  attempt: (some: readonly T[]) => Promise<readonly T[] | null>,
): Promise<readonly T[] | null> {
  for (let end = items.length; end > 0; end -= size) {
    const start = Math.max(0, end - size);
    const found = await attempt([...items.slice(0, start), ...items.slice(end)]);
    if (found !== null) return found;
  }
  return null;
}
