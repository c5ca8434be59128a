import { isAbsolute } from 'node:path';
import { isLoopback } from '../outside/loopback.js';
import type { Role } from './public.js';

/** Where the keys come from, checked. */
export type SourceChoice =
  | { readonly type: 'files'; readonly jwks: string; readonly key: string | null }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'store'; readonly config: string };

type Report = (problem: string) => void;

const NONE: SourceChoice = { type: 'url', url: '' };

/** @param wrong is told what can't work */
export function chosenSource(from: unknown, role: Role, wrong: Report): SourceChoice {
  const given: Readonly<Record<string, unknown>> = typeof from === 'object' && from !== null ? { ...from } : {};
  const [name, ...others] = Object.keys(given);
  const value = name === undefined ? undefined : given[name];
  if (others.length === 0 && name === 'files') return files(value, role, wrong);
  if (others.length === 0 && name === 'jwks') return url(value, role, wrong);
  if (others.length === 0 && name === 'config') return { type: 'store', config: path(value, 'from.config', wrong) };
  wrong('from must be { files: { jwks, key } }, { jwks: URL } or { config: PATH }');
  return NONE;
}

function files(value: unknown, role: Role, wrong: Report): SourceChoice {
  const { jwks, key, ...others }: Readonly<Record<string, unknown>> =
    typeof value === 'object' && value !== null ? { ...value } : {};
  if (Object.keys(others).length > 0) wrong('from.files has jwks and key, nothing else');
  if (role === 'verifier' && key !== undefined) wrong('from.files.key is for signers: a verifier must not read it');
  const needsKey = role !== 'verifier';
  return {
    type: 'files',
    jwks: path(jwks, 'from.files.jwks', wrong),
    key: needsKey ? path(key, 'from.files.key', wrong) : null,
  };
}

function path(value: unknown, name: string, wrong: Report): string {
  if (typeof value === 'string' && isAbsolute(value) && !value.includes('\0')) return value;
  wrong(`${name} must be an absolute path`);
  return '';
}

function url(value: unknown, role: Role, wrong: Report): SourceChoice {
  if (role !== 'verifier') wrong("a JWKS has no private key: from.jwks is for role 'verifier'");
  const parsed = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  const isSafe = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback(parsed.hostname));
  if (parsed === null || !isSafe || parsed.username !== '' || parsed.password !== '') {
    wrong('from.jwks must be an https: URL, or an http: one on loopback, without a user');
    return NONE;
  }
  parsed.hash = '';
  return { type: 'url', url: parsed.href };
}
