/**
 * Text from outside (a service's answer, a command's output) as one JSON-escaped line of at most 200 characters:
 * no escape code reaches a terminal, no newline forges a log line.
 */
export function quoteOutside(text: string): string {
  // Code points that terminals act on but JSON leaves alone: DEL, C1 controls, bidirectional marks, line separators.
  const escaped = JSON.stringify(text.slice(0, 400)).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped.length <= 200 ? escaped : `${escaped.slice(0, 196)}…"`;
}
