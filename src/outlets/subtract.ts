import { decodeJson, isJsonObject, type Json } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { isKeySet, type OutletContent } from '../keyset/published/jwk-set.js';
import { keyIn } from './read-jwks.js';
import type { Sight } from './sight.js';
import type { Target } from './target.js';

type Gone = OutletContent['retiring'];

/** The effect of taking keys out of an outlet. */
export type Remainder =
  /** As far as can be seen, it does not hold them. */
  | { readonly type: 'nothing' }
  /** `bytes`: what stays; null: its file is removed. `taken`: the kids that are taken out. */
  | { readonly type: 'less'; readonly bytes: Buffer | null; readonly taken: readonly string[] }
  /** They can't be taken out. */
  | { readonly type: 'stays'; readonly why: string };

/** Retiring keys that are no longer published. Those still in the JWKS wait for a replacement. */
export function goneKeys({ retiring, jwks }: OutletContent): Gone {
  return retiring.filter(({ kid }) => !jwks.keys.some((key) => key.kid === kid));
}

/** Takes the keys of `gone` out of an outlet. It adds nothing and changes nothing else. */
export async function withoutKeys(
  { kind, format, isCommand }: Pick<Target, 'kind' | 'format' | 'isCommand'>,
  sight: Sight,
  gone: Gone,
  allowEmpty: boolean,
): Promise<Remainder> {
  if (gone.length === 0 || !sight.isThere) return { type: 'nothing' };
  if (kind === 'publish' && isKeySet(format)) {
    const rest = await shorter(sight.text ?? '', gone, allowEmpty);
    const unread = format === 'pem-files' ? sight.keys?.find((held) => held.thumbprint === '') : undefined;
    if (rest.type !== 'nothing' || unread === undefined) return rest;
    return { type: 'stays', why: `which key ${quoteOutside(`${unread.kid}.pem`)} holds can't be told` };
  }
  if (sight.keys === null || sight.foreign) return { type: 'stays', why: "what it holds can't be read" };
  const taken = gone.filter((key) =>
    sight.keys?.some((held) => held.thumbprint === key.thumbprint || (held.isSaid && held.kid === key.kid)),
  );
  if (taken.length === 0) return { type: 'nothing' };
  if (isCommand) return { type: 'stays', why: 'a command can be given another key, but not none' };
  return { type: 'less', bytes: null, taken: taken.map(({ kid }) => kid) };
}

async function shorter(text: string, gone: Gone, allowEmpty: boolean): Promise<Remainder> {
  const decoded = decodeJson(text);
  const entries = decoded.ok && isJsonObject(decoded.value) ? decoded.value['keys'] : undefined;
  if (!Array.isArray(entries)) return { type: 'stays', why: "what it holds can't be read" };
  const named = await Promise.all(entries.map((entry) => namesOf(entry as Json)));
  const goes = named.map(({ kid, thumbprint }) =>
    gone.some((key) => key.kid === kid || (thumbprint !== '' && key.thumbprint === thumbprint)),
  );
  // Once each: anybody may have filled the outlet under one kid.
  const taken = [...new Set(named.filter((_, i) => goes[i]).map(({ kid, thumbprint }) => kid ?? thumbprint))];
  if (taken.length === 0) return { type: 'nothing' };
  const rest = entries.filter((_, i) => !goes[i]);
  if (rest.length === 0 && !allowEmpty) {
    return { type: 'stays', why: `${taken.map(quoteOutside).join(', ')} is the only key there` };
  }
  return { type: 'less', bytes: Buffer.from(`${JSON.stringify({ keys: rest }, null, 2)}\n`), taken };
}

async function namesOf(entry: Json): Promise<{ kid: string | null; thumbprint: string }> {
  return isJsonObject(entry) ? keyIn(entry) : { kid: null, thumbprint: '' };
}
