import * as v from 'valibot';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { didYouMean } from '../suggest.js';

/** Checks one part of the configuration: takes any value, gives a `T`. */
export type Schema<T> = v.GenericSchema<unknown, T>;

export type RawMap = Readonly<Record<string, unknown>>;

export function isMap(value: unknown): value is RawMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A message such as `must be <what>, got <input>`. */
export function must(what: string): (issue: { readonly input: unknown }) => string {
  return ({ input }) => `must be ${what}${input === undefined ? '' : `, got ${describe(input)}`}`;
}

/** For a map or list. Doesn't quote text that is there instead: it may be a misplaced secret header. */
function mustHold(what: string): (issue: { readonly input: unknown }) => string {
  return ({ input }) => `must be ${what}, got ${typeof input === 'string' ? 'text' : describe(input)}`;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return String(value);
  return value.includes('\n') ? 'text of several lines' : quoteOutside(value);
}

/** Rejects every value with `message`. */
export function refused(message: string | ((issue: { readonly input: unknown }) => string)): Schema<never> {
  return v.custom<never>(() => false, message);
}

type FieldsOf<E extends v.ObjectEntries> = v.InferOutput<v.ObjectSchema<E, undefined>>;

/** A map with these fields and no others. Reports every mistake, and each unknown field separately. */
export function fields<const E extends v.ObjectEntries>(entries: E): Schema<FieldsOf<E>> {
  const names = Object.keys(entries);
  const known: Schema<FieldsOf<E>> = v.object(entries, (issue) => missing(entries[String(issue.path?.[0]?.key)]));
  return v.lazy((input): Schema<FieldsOf<E>> => {
    if (!isMap(input)) return refused(mustHold('a map of fields'));
    const strangers = Object.keys(input).filter((name) => !Object.hasOwn(entries, name));
    if (strangers.length === 0) return known;
    return v.pipe(known, v.rawCheck<FieldsOf<E>>(reportUnknown({ ...input }, strangers, names)));
  });
}

function reportUnknown<T>(input: Record<string, unknown>, strangers: readonly string[], names: readonly string[]) {
  return ({ addIssue }: v.RawCheckContext<T>): void => {
    for (const key of strangers) {
      const near = didYouMean(key, names);
      const message = `unknown field${near === '' ? `; known here: ${names.join(', ')}` : near}`;
      addIssue({ message, path: [{ type: 'object', origin: 'key', input, key, value: input[key] }] });
    }
  };
}

/** Takes the text from the field's own message for an absent value. */
function missing(schema: v.ObjectEntries[string] | undefined): string {
  const issues = schema === undefined ? undefined : v.safeParse(schema as Schema<unknown>, undefined).issues;
  return `is missing: ${issues?.[0].message ?? 'it must be given'}`;
}

/** A list with at least `least` items. */
export function list<T>(item: Schema<T>, what: string, least = 0): Schema<T[]> {
  return v.pipe(v.array(item, mustHold(what)), v.minLength(least, `must be ${what}, got an empty list`));
}

/** A map that holds exactly one of the fields in `kinds`; that field selects the schema. */
export function oneOf<T>(kinds: Readonly<Record<string, Schema<T>>>, example: string): Schema<T> {
  const names = Object.keys(kinds);
  return v.lazy((input): Schema<T> => {
    const what = `a map with exactly one of ${either(names)}, such as ${example}`;
    if (!isMap(input)) return refused(input === undefined ? `must be ${what}` : mustHold(what));
    const given = names.filter((name) => Object.hasOwn(input, name));
    const kind = given.length === 1 ? kinds[given[0] ?? ''] : undefined;
    if (kind !== undefined) return kind;
    const near = Object.keys(input).map((name) => didYouMean(name, names));
    const found = given.length === 0 ? `none of them${near.find((text) => text !== '') ?? ''}` : given.join(' and ');
    return refused(`must be ${what}, got ${found}`);
  });
}

/** A map whose field `type` selects the schema. */
export function byType<T>(kinds: Readonly<Record<string, Schema<T>>>): Schema<T> {
  const names = Object.keys(kinds);
  const type = word(names);
  return v.lazy((input): Schema<T> => {
    if (!isMap(input)) return refused(mustHold(`a map with type: ${either(names)}`));
    const kind = typeof input['type'] === 'string' && Object.hasOwn(kinds, input['type']) ? kinds[input['type']] : null;
    return kind ?? (v.object({ type }, () => missing(type)) as unknown as Schema<never>);
  });
}

/** One of these words. */
export function word<const T extends string>(words: readonly T[]): Schema<T> {
  return v.picklist(words, ({ input }) => {
    const near = typeof input === 'string' ? didYouMean(input, words) : '';
    return `${must(either(words))({ input })}${near}`;
  });
}

function either(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
