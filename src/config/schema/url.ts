import * as v from 'valibot';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { didYouMean } from '../suggest.js';
import type { Schema } from './fields.js';
import { hasControl } from './scalars.js';

export interface UrlRules {
  /** Whether `unix:/path.sock:/path` is allowed. */
  readonly unix: boolean;
  /** Whether `{name}` and `{address}` are filled in. */
  readonly placeholders: boolean;
  /** Why `{address}` can't be filled in; null when it can be. */
  readonly addressProblem: string | null;
}

/** Refuses a URL with a user or password. Messages quote no part that may be a secret. */
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
    return 'must not hold a user or password: a secret never belongs here; use headers with a file';
  }
  const placeholder = placeholderProblem(given, rules);
  if (placeholder !== null) return placeholder;
  // A query may hold a token, so the message cuts it off.
  const found = `got ${quoteOutside(given.replace(/[?#@].*$/s, '…'))}`;
  const filled = given.replaceAll('{address}', '127.0.0.1:1').replaceAll('{name}', 'name');
  if (rules.unix && filled.startsWith('unix:')) {
    return /^unix:\/[^:\s]+:\/\S*$/.test(filled) && !hasControl(filled)
      ? null
      : `must be such as "unix:/run/app.sock:/healthz", ${found}`;
  }
  return /^https?:\/\/[^/\s]\S*$/.test(filled) && URL.canParse(filled) ? null : `${what}, ${found}`;
}

/**
 * @returns what is wrong with the braces in `given`: only `{name}` and `{address}` may be filled in; null when nothing is
 */
export function placeholderProblem(given: string, rules: Omit<UrlRules, 'unix'>): string | null {
  const [found] = given.match(rules.placeholders ? /\{(?!name\}|address\})[^}]*\}?/ : /\{[^}]*\}?/) ?? [];
  if (found !== undefined && !rules.placeholders) return `nothing is filled in here, got ${quoteOutside(found)}`;
  if (found !== undefined) {
    const near = didYouMean(found, ['{name}', '{address}']);
    return `only {name} and {address} are filled in, got ${quoteOutside(found)}${near}`;
  }
  return given.includes('{address}') ? rules.addressProblem : null;
}
