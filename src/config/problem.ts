import { JwtrotError } from '../keyset/error.js';
import { quoteOutside } from '../keyset/outside-text.js';

/** From the document's root: names of fields, indexes of lists. */
export type FieldPath = readonly (string | number)[];

/** Counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong in a configuration. */
export interface Problem {
  readonly position: Position;
  readonly path: FieldPath;
  /** What was found and what would be right; never a secret. */
  readonly message: string;
}

/** More would scroll the first ones, which are often the cause of the others, out of sight. */
const MOST_SHOWN = 50;

/** All that is wrong, in the order of the file, as one error. */
export function badConfiguration(path: string, problems: readonly Problem[]): JwtrotError {
  const name = displayPath(path);
  const sorted = [...problems].sort(
    (a, b) => a.position.line - b.position.line || a.position.column - b.position.column,
  );
  const lines = sorted.slice(0, MOST_SHOWN).map((problem) => problemLine(name, problem));
  const left = sorted.length - lines.length;
  if (left > 0) lines.push(`and ${left} more`);
  const count = sorted.length === 1 ? '1 error' : `${sorted.length} errors`;
  return new JwtrotError(
    'usage',
    'bad-config',
    [`configuration ${name} has ${count}; nothing was touched`, ...lines].join('\n'),
    { hint: 'correct what is listed and run the same command again; docs/configuration.md describes every field' },
  );
}

function problemLine(name: string, { position, path, message }: Problem): string {
  const field = dottedPath(path);
  return `${name}:${position.line}:${position.column}: ${field === '' ? '' : `${field}: `}${message}`;
}

/** `keysets.api.services[0].health.url`. Ends at `headers`: what stands below may be a secret, put in a wrong place. */
export function dottedPath(path: FieldPath): string {
  const isKeysetName = (index: number): boolean => index === 1 && path[0] === 'keysets';
  const secret = path.findIndex((part, index) => part === 'headers' && !isKeysetName(index));
  let text = '';
  for (const part of secret === -1 ? path : path.slice(0, secret + 1)) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!/^[A-Za-z0-9_-]+$/.test(part)) text += `[${quoteOutside(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

function displayPath(path: string): string {
  return /\p{C}/u.test(path) ? quoteOutside(path) : path;
}
