import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';

/** Field names and list indexes, from the document's root. */
export type FieldPath = readonly (string | number)[];

/** Counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One mistake in a configuration. */
export interface ConfigurationProblem {
  readonly position: Position;
  readonly path: FieldPath;
  /** What was found and what would be right. Never quotes a secret. */
  readonly message: string;
}

/** A longer list would scroll the first problems out of sight, and those often cause the rest. */
const MOST_SHOWN = 50;

/** One error that lists all problems in the order of the file. */
export function badConfiguration(path: string, problems: readonly ConfigurationProblem[]): JwtrotError {
  const name = displayPath(path);
  const sorted = [...problems].sort(
    (a, b) => a.position.line - b.position.line || a.position.column - b.position.column,
  );
  const lines = sorted.slice(0, MOST_SHOWN).map((problem) => problemLine(name, problem));
  const left = sorted.length - lines.length;
  if (left > 0) lines.push(`and ${left} more`);
  const count = sorted.length === 1 ? '1 error' : `${sorted.length} errors`;
  return new JwtrotError('usage', 'bad-config', `configuration ${name} has ${count}; nothing was touched`, {
    hint: 'correct what is listed and run the same command again; docs/configuration.md describes every field',
    list: lines,
  });
}

function problemLine(name: string, { position, path, message }: ConfigurationProblem): string {
  const field = dottedPath(path);
  return `${name}:${position.line}:${position.column}: ${field === '' ? '' : `${field}: `}${message}`;
}

/** Such as `keysets.api.services[0].health.url`. Ends at `headers`: a misplaced secret may be below it. */
function dottedPath(path: FieldPath): string {
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
