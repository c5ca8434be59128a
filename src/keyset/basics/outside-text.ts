/**
 * Characters that act on a terminal or a log, or reorder or hide other text: controls (escape codes, line breaks),
 * format characters (bidirectional marks and overrides, joiners, tags), line and paragraph separators, lone surrogates.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** Escapes text from outside, as JSON does, into one line that is safe to print. */
export function escapeOutside(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT.get(character) ?? escaped(character));
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/**
 * Quotes text from outside (a service's answer, a command's output) as one JSON-escaped line of at most 200 characters.
 * No escape code reaches a terminal and no line break forges a log line.
 */
export function quoteOutside(text: string): string {
  const quoted = escapeOutside(JSON.stringify(text.slice(0, 400)));
  // Don't cut a surrogate pair in two.
  return quoted.length <= 200 ? quoted : `${quoted.slice(0, 196).replace(/[\ud800-\udbff]$/, '')}…"`;
}

/** Quotes a word for a POSIX shell. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
