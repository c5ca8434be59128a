import type { Duration } from '../../keyset/basics/clock.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import { awsName } from '../../outside/aws-error.js';
import type { Snapshot } from '../store.js';
import type { SecretsApi } from './api.js';
import { readManifest } from './manifests.js';
import { manifestName } from './names.js';
import type { Session } from './session.js';

/** AWS refuses the compare-and-swap itself with these errors, even the repetition of one that it has already done. */
export function isLoss(error: unknown): boolean {
  return [
    'InvalidParameterException',
    'InvalidRequestException',
    'ResourceExistsException',
    'ResourceNotFoundException',
  ].includes(awsName(error));
}

export interface DoubtfulCommit {
  /** The snapshot if the commit took effect. */
  readonly won: Snapshot;
  readonly base: Snapshot | null;
  /** The error of the deciding request. */
  readonly error: unknown;
}

type Settled = 'won' | 'lost' | 'open';

/**
 * Settles a doubtful commit: looks for its random id in the newest manifest.
 * @returns its snapshot if it took effect; null if it no longer can
 * @throws JwtrotError `commit-unknown` if neither can be found out now
 */
export async function settle(session: Session, doubtful: DoubtfulCommit): Promise<Snapshot | null> {
  const { won, error } = doubtful;
  const { name: keyset, revision } = won.manifest;
  const name = manifestName(session.prefix, keyset);
  let seen: Settled = 'open';
  let trouble: unknown = null;
  const call = { operation: 'GetSecretValue', resource: name };
  try {
    seen = await session.run(call, session.limits.settle, async (api, signal) => {
      for (const wait of pauses(session.limits.settle)) {
        await session.clock.sleep(wait, signal);
        trouble = null;
        const settled = await judge(session, api, doubtful).catch((reason: unknown): Settled => {
          if (isFinal(reason)) throw reason;
          trouble = reason;
          return 'open';
        });
        if (settled !== 'open') return settled;
      }
      return 'open';
    });
  } catch (reason) {
    if (isFinal(reason)) throw reason;
    trouble = reason;
  }
  if (seen === 'won') return won;
  // To call it lost by mistake is harmless: the run plans again from what is there, including its own commit.
  if (seen === 'lost' || (trouble === null && isLoss(error))) return null;
  if (trouble instanceof JwtrotError && trouble.code === 'secret-empty') throw trouble;
  throw new JwtrotError(
    'store',
    'commit-unknown',
    `no usable reply to the commit of revision ${revision} of keyset ${keyset} to secret ${name}; it may have been written, and the next run finds out`,
    { hint: 'run the same command again', cause: error },
  );
}

/** Pauses between reads, since a read may be stale for a moment. They leave time for the reads themselves. */
function pauses(settle: Duration): Duration[] {
  const waits = [0];
  let sum = 0;
  for (let wait = 100; sum + wait <= 0.65 * settle; wait *= 2) {
    waits.push(wait);
    sum += wait;
  }
  return waits;
}

async function judge(session: Session, api: SecretsApi, { won, base }: DoubtfulCommit): Promise<Settled> {
  const newest = await readManifest(session, api, won.manifest.name);
  const id = won.manifest.commits.at(-1)?.id;
  if (newest === null) return 'open';
  if (newest.manifest.commits.some((commit) => commit.id === id)) return 'won';
  // With a rival's manifest there, the base is no longer current, so even a move still on its way can't take effect. A
  // stale read shows the base itself or something older.
  const isRival =
    base === null || (newest.version !== base.version && newest.manifest.revision >= base.manifest.revision);
  return isRival ? 'lost' : 'open';
}

/** Reading again would not change it. */
function isFinal(error: unknown): boolean {
  return error instanceof JwtrotError && (error.kind === 'refused' || error.code === 'secret-deleted');
}
