import { describe, expect, it, vi } from 'vitest';
import type { Instant } from '../../../src/keyset/basics/clock.js';
import type { Manifest } from '../../../src/keyset/manifest/model.js';
import { withParts } from '../../support/manifest.js';
import { countOf, shrink } from '../shrink.js';
import { simulate } from '../simulate.js';
import { sweep } from '../sweep.js';
import { search } from './search.js';

vi.mock('../../../src/keyset/transitions/all.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/transitions/all.js')>();
  const first = (manifest: Manifest, type: string, kid: string | undefined, at: Instant) =>
    manifest.events.find((event) => event.type === type && event.kid === kid)?.at ?? at;
  return {
    ...original,
    // Once published and confirmed, for ever: publishAhead runs on although the key had gone missing (trace 11).
    published: (manifest: Manifest, at: Instant) => {
      const kid = manifest.rollout?.kid;
      const next = original.published(manifest, at);
      return kid === undefined ? next : withParts(next, kid, { publishedAt: first(manifest, 'published', kid, at) });
    },
    verifiersConfirmed: (manifest: Manifest, kid: string, at: Instant) =>
      withParts(original.verifiersConfirmed(manifest, kid, at), kid, {
        confirmedAt: first(manifest, 'verifiers-confirmed', kid, at),
      }),
  };
});

/** The planted fault of set-back.test.ts: it takes a key that is published ahead, a deployment, and the switch. */
describe('A seed that breaks something', () => {
  it('is shrunk to the fewest events that break the same', async () => {
    const [found] = await search({ seeds: 200, enough: 1 });
    const shrunk = await shrink(found!.seed);
    expect(found!.broken[0]!.invariant).toBe('tokens');
    expect(shrunk!.from).toBeGreaterThan(10);
    expect(countOf(shrunk!.result)).toBe(3);
    const kinds = [...shrunk!.result.events.values()];
    expect(kinds.filter((kind) => kind !== 'wait').at(-1)).toBe('deploy');
    expect(shrunk!.isDone).toBe(true);
    // A person can read it, and play exactly that again.
    expect(shrunk!.result.history.length).toBeLessThan(120);
    const again = await simulate(found!.seed, { ...shrunk!.replay, verbose: true });
    expect(again.history).toEqual(shrunk!.result.history);
    expect(again.broken).toEqual(shrunk!.result.broken);
  }, 120_000);

  it('is told as it comes, in that form, and the sweep goes on', async () => {
    const [found] = await search({ seeds: 200, enough: 1 });
    const { seed } = found!;
    const told: string[] = [];
    const sums = await sweep([seed, seed][Symbol.iterator](), {
      replay: {},
      shrinks: true,
      jobs: 1,
      limit: Number.POSITIVE_INFINITY,
      most: Number.POSITIVE_INFINITY,
      stop: new Int32Array(new SharedArrayBuffer(4)),
      onFailure: ({ shrunk }) => told.push(shrunk ?? ''),
    });
    expect(sums).toMatchObject({ seeds: 2, broken: 2 });
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/^ {2}01-01T00:00:00\.000 /);
    expect(told[0]).toContain('BROKEN tokens: ');
    expect(told[0]).toMatch(/\n3 of \d+ events are left after \d+ replays.*: \d+ \w+, \d+ \w+, \d+ deploy\n/);
    expect(told[0]).toMatch(new RegExp(`\\nnpm run simulate -- --seed ${seed} (--without \\S+ )?--only \\S+$`));
  }, 120_000);
});
