import * as v from 'valibot';
import { quoteOutside } from '../../keyset/outside-text.js';
import { didYouMean } from '../suggest.js';
import type { Schema } from './fields.js';

export interface UrlRules {
  /** May it be `unix:/path.sock:/path`? */
  readonly unix: boolean;
  /** Are `{name}` and `{address}` filled in? */
  readonly placeholders: boolean;
  /** Why `{address}` can't be; null when it can. */
  readonly addressProblem: string | null;
}

/** An address to ask. One with a password is refused, and nothing of it that may be a secret is quoted. */
export function url(rules: UrlRules): Schema<string> {
  const schemes = rules.unix ? 'an http:, https: or unix: URL' : 'an http: or https: URL';
  const example = rules.placeholders ? 'http://127.0.0.1:8000/healthz' : 'https://id.example/.well-known/jwks.json';
  const what = `must be ${schemes} such as "${example}"`;
  return v.pipe(
    v.string(what),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? urlProblem(dataset.value, what, rules) : null;
      if (message !== null) addIssue({ message });
    }),
  );
}

function urlProblem(given: string, what: string, rules: UrlRules): string | null {
  const [beforePath = ''] = given.replace(/^\w+:\/*/, '').split(/[/?#]/);
  if (beforePath.includes('@')) {
    return 'must not hold a user or password: a secret never stands here; use headers with a file';
  }
  const placeholder = placeholderProblem(given, rules);
  if (placeholder !== null) return placeholder;
  // A query may hold a token.
  const found = `got ${quoteOutside(given.replace(/[?#@].*$/s, '…'))}`;
  const filled = given.replaceAll('{address}', '127.0.0.1:1').replaceAll('{name}', 'name');
  if (rules.unix && filled.startsWith('unix:')) {
    return /^unix:\/[^:\s]+:\/\S*$/.test(filled) ? null : `must be such as "unix:/run/app.sock:/healthz", ${found}`;
  }
  return /^https?:\/\/[^/\s]\S*$/.test(filled) && URL.canParse(filled) ? null : `${what}, ${found}`;
}

/** Of text in which `{name}` and `{address}` are filled in, and nothing else in braces. */
export function placeholderProblem(given: string, rules: Omit<UrlRules, 'unix'>): string | null {
  const [found] = given.match(rules.placeholders ? /\{(?!name\}|address\})[^}]*\}?/ : /\{[^}]*\}?/) ?? [];
  if (found !== undefined && !rules.placeholders) return `nothing is filled in here, got ${quoteOutside(found)}`;
  if (found !== undefined) {
    const near = didYouMean(found, ['{name}', '{address}']);
    return `only {name} and {address} are filled in, got ${quoteOutside(found)}${near}`;
  }
  return given.includes('{address}') ? rules.addressProblem : null;
}
