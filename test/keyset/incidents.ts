import { expect } from 'vitest';
import type { RetireRequest } from '../../src/keyset/questions/incidents.js';
import { RETIRE, SECOND, type Story } from './story.js';

export const MINUTE = 60 * SECOND;

/** Records the request and no more: the run is killed after its first commit. */
export function recordOnly(story: Story, kid: string, changes: Partial<RetireRequest> = {}): void {
  story.request = { ...story.request, retire: { ...RETIRE, kid, ...changes }, incidentOnly: true };
  expect(story.step()).toBe(`record-retirement ${kid} asked`);
  story.request = { ...story.request, incidentOnly: false };
}

/** KMS is down: no key can be made. */
export function noKms(story: Story): void {
  story.blocked.add('generate');
}
