import { createHash } from 'node:crypto';
import type { SetupFacts } from './facts.js';

const STAMP = /^# What follows from (.*): ([0-9a-f]{16})$/m;

/** A line that identifies the configuration behind a file, so that a run can tell whether the file still fits. */
export function stampLine(facts: SetupFacts): string {
  return `# What follows from ${facts.source}: ${stampOf(facts)}`;
}

/** Depends only on the configuration, so it is the same on every host. */
export function stampOf(facts: SetupFacts): string {
  const { permissions, reloads, outlets, state, groups, credential, kekFile, timeLimit } = facts;
  const what = { permissions, reloads, outlets, state, groups, credential, kekFile, timeLimit };
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
}

/** Reads the stamp from a file of setup's; null: none. */
export function readStamp(text: string): { readonly source: string; readonly stamp: string } | null {
  const [, source, stamp] = STAMP.exec(text) ?? [];
  return source === undefined || stamp === undefined ? null : { source, stamp };
}
