export type Level = 'info' | 'warning' | 'error';

/** sd-daemon(3): syslog priorities as line prefixes. */
const PRIORITY: Readonly<Record<Level, string>> = { error: '<3>', warning: '<4>', info: '<6>' };

export function journalPrefix(level: Level): string {
  return PRIORITY[level];
}
