import type { Duration } from '../../keyset/clock.js';
import { JwtrotError } from '../../keyset/error.js';
import { awsName } from '../../outside/aws-error.js';
import type { Snapshot } from '../store.js';
import type { SecretsApi } from './api.js';
import { readManifest } from './manifests.js';
import { manifestName } from './names.js';
import type { Session } from './session.js';

/** With these AWS refuses the compare-and-swap itself, be it a repetition of one that it has already done. */
export function isLoss(error: unknown): boolean {
  return [
    'InvalidParameterException',
    'InvalidRequestException',
    'ResourceExistsException',
    'ResourceNotFoundException',
  ].includes(awsName(error));
}

export interface DoubtfulCommit {
  /** What it is if it took effect. */
  readonly won: Snapshot;
  readonly base: Snapshot | null;
  /** What the request that decides it answered. */
  readonly error: unknown;
}

type Verdict = 'won' | 'lost' | 'open';

/**
 * Decides a commit by its random id in the newest manifest.
 * @returns its snapshot if it took effect, null if it can't any more
 * @throws JwtrotError `commit-unknown` when that can't be found out now
 */
export async function settle(session: Session, doubtful: DoubtfulCommit): Promise<Snapshot | null> {
  const { won, error } = doubtful;
  const { name: keyset, revision } = won.manifest;
  const name = manifestName(session.prefix, keyset);
  let seen: Verdict = 'open';
  let trouble: unknown = null;
  const call = { operation: 'GetSecretValue', resource: name };
  try {
    seen = await session.run(call, session.limits.settle, async (api, signal) => {
      for (const wait of looks(session.limits.settle)) {
        await session.clock.sleep(wait, signal);
        trouble = null;
        const verdict = await look(session, api, doubtful).catch((reason: unknown): Verdict => {
          if (isFinal(reason)) throw reason;
          trouble = reason;
          return 'open';
        });
        if (verdict !== 'open') return verdict;
      }
      return 'open';
    });
  } catch (reason) {
    if (isFinal(reason)) throw reason;
    trouble = reason;
  }
  if (seen === 'won') return won;
  // Losing wrongly is harmless: the run plans again from what is there, its own commit included.
  if (seen === 'lost' || (trouble === null && isLoss(error))) return null;
  if (trouble instanceof JwtrotError && trouble.code === 'secret-empty') throw trouble;
  throw new JwtrotError(
    'store',
    'commit-unknown',
    `no usable reply to the commit of revision ${revision} of keyset ${keyset} to secret ${name}; it may have been written, and the next run finds out`,
    { hint: 'run the same command again', cause: error },
  );
}

/** Waits between looks, since reads may be stale for a moment; they leave time for the reads. */
function looks(settle: Duration): Duration[] {
  const waits = [0];
  let sum = 0;
  for (let wait = 100; sum + wait <= 0.65 * settle; wait *= 2) {
    waits.push(wait);
    sum += wait;
  }
  return waits;
}

async function look(session: Session, api: SecretsApi, { won, base }: DoubtfulCommit): Promise<Verdict> {
  const newest = await readManifest(session, api, won.manifest.name);
  const id = won.manifest.commits.at(-1)?.id;
  if (newest === null) return 'open';
  if (newest.manifest.commits.some((commit) => commit.id === id)) return 'won';
  // A rival's manifest: the base is no longer current, so even a move that is still on its way can't take effect. The
  // base itself, or something older, is what a stale read shows.
  const isRival =
    base === null || (newest.version !== base.version && newest.manifest.revision >= base.manifest.revision);
  return isRival ? 'lost' : 'open';
}

/** Looking again would not change it. */
function isFinal(error: unknown): boolean {
  return error instanceof JwtrotError && (error.kind === 'refused' || error.code === 'secret-deleted');
}
