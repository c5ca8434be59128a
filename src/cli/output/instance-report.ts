import type { Proof } from '../../services/health-kinds.js';

/** What one instance reports now. */
export interface InstanceReport {
  readonly keyset: string;
  readonly service: string;
  readonly instance: string;
  readonly role: string;
  readonly kid: string | null;
  readonly kids: readonly string[] | null;
  /** The keys that a signer says it has in memory; null: it was not asked, or has no list. */
  readonly preloaded: readonly string[] | null;
  /** How its service shows which keys it holds; null: it has no health. */
  readonly proof: Proof | null;
  readonly error: string | null;
  /** False: it has no health, so it can't be asked, and that is no failure. */
  readonly polled: boolean;
}

/** Instances that could not be asked, or did not report what their role must report. */
export function failedProbes(reports: readonly InstanceReport[]): InstanceReport[] {
  return reports.filter(({ polled, error }) => polled && error !== null);
}
