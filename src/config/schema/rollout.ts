import * as v from 'valibot';
import type { Batch } from '../../keyset/basics/policy.js';
import type { Reload } from '../../services/service.js';
import { didYouMean } from '../suggest.js';
import { fields, must, type Schema } from './fields.js';

const WORDS = ['all', 'canary'] as const satisfies Batch[];

const batch: Schema<Batch> = v.custom<Batch>(isBatch, ({ input }) => {
  const near = typeof input === 'string' ? didYouMean(input, WORDS) : '';
  return `${must('a whole number from 1 to 1000, all or canary')({ input })}${near}`;
});

function isBatch(given: unknown): boolean {
  if (typeof given === 'number') return Number.isInteger(given) && given >= 1 && given <= 1000;
  return WORDS.some((word) => word === given);
}

/** The waves in which instances are reloaded. */
export const rollout: Schema<{ batch: Batch }> = fields({ batch });

/** A restart may break a service, so one instance goes first. `start` doesn't restart: it runs another unit. */
export function defaultBatch(reload: Reload): Batch {
  const restarts = reload.type === 'systemd' && ['restart', 'reload-or-restart'].includes(reload.action);
  return restarts ? 'canary' : 'all';
}
