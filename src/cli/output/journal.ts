import { fstatSync } from 'node:fs';

export type Level = 'info' | 'warning' | 'error';

/** sd-daemon(3): syslog priorities as line prefixes. */
const PRIORITY: Readonly<Record<Level, string>> = { error: '<3>', warning: '<4>', info: '<6>' };

export function journalPrefix(level: Level): string {
  return PRIORITY[level];
}

/** systemd.exec(5): standard error is the journal exactly if `stream` names its device and inode. */
export function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
