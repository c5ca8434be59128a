/** A JSON value. Its objects have no prototype, so `object['constructor']` is undefined unless the text sets it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

export type DecodedJson =
  | { readonly ok: true; readonly value: Json }
  /** Never quotes the text: it may hold a secret. */
  | { readonly ok: false; readonly reason: string };

/** In characters: more than any record, answer or key needs. */
const LONGEST = 1024 * 1024;
/** Nesting depth. It keeps recursion over a value safe. */
const DEEPEST = 64;

/** Decodes JSON that others wrote. All such JSON goes through here. Never throws. */
export function decodeJson(text: string): DecodedJson {
  if (text.length > LONGEST) return { ok: false, reason: `longer than ${LONGEST} characters` };
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    // The error's message would quote the text.
    return { ok: false, reason: 'not JSON' };
  }
  return takePrototypes(value) ? { ok: true, value } : { ok: false, reason: `nested deeper than ${DEEPEST}` };
}

/** Removes every object's prototype, level by level. False if there are too many levels. */
function takePrototypes(value: Json): boolean {
  let level: Json[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const next: Json[] = [];
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue;
      if (depth === DEEPEST) return false;
      if (!Array.isArray(one)) Object.setPrototypeOf(one, null);
      for (const inner of Object.values(one)) next.push(inner);
    }
    level = next;
  }
  return true;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Looks up a name from outside: `table[name]` would also find `constructor`. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
