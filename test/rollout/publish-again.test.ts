import { describe, expect, it } from 'vitest';
import type { Run } from '../../src/rollout/run.js';
import { confirmVerifiers } from '../../src/rollout/steps/verifiers.js';
import type { Role } from '../../src/services/service.js';
import { ACCEPT, atTheGate } from './at-the-gate.js';
import { Fleet } from './fleet.js';

const MINUTE = 60_000;

interface Scene {
  readonly type?: 'command' | 'file';
  readonly role?: Role;
  readonly up?: boolean;
  /** What is there after the command was run once more. */
  readonly becomes?: string;
  /** The store shows another history. */
  readonly elsewhere?: boolean;
}

/** A verifier whose reloads read an older set than was published. */
async function confirmed({
  type = 'command',
  role = 'verifier',
  up = true,
  becomes = 'k2',
  elsewhere = false,
}: Scene = {}) {
  const fleet = new Fleet();
  fleet.service('api', 'a', { role });
  fleet.member('api/a').up = up;
  fleet.wanted = 'k1';
  const { run, manifest } = atTheGate(fleet, 2 * MINUTE);
  let again = 0;
  const write = async (_content: unknown, _key: unknown, options: { again: boolean }) => {
    if (options.again) again += 1;
    fleet.wanted = becomes;
    return { publish: true, deliver: false, problems: [] };
  };
  const outlets = {
    ...run.context.outlets,
    publish: [{ type, url: null, timeout: 1_000 }],
    locked: async (_patience: unknown, use: (writer: unknown) => Promise<unknown>) => use({ write }),
  };
  const asked = {
    ...run,
    context: { ...run.context, outlets },
    ledger: Object.assign(Object.create(run.ledger), {
      readNewest: async () => ({ manifest: manifest() }),
      history: { other: elsewhere ? { why: 'lower-revision' } : null },
    }),
    added: [],
  } as unknown as Run;
  await fleet.clock.drive(confirmVerifiers(asked, ACCEPT));
  return { again: () => again, isConfirmed: !asked.blocked.has('rollout'), asked, fleet, manifest };
}

describe('a verifier that reads an older set than a command has published', () => {
  it('shows that somebody else has written there: the command is run once more, and the verifier is asked again', async () => {
    const { again, isConfirmed, fleet } = await confirmed();
    expect(again()).toBe(1);
    expect(fleet.events).toContainEqual(expect.objectContaining({ type: 'note', level: 'warning' }));
    expect(isConfirmed).toBe(true);
  });

  it('is waited for no longer where that does not help, and once in a run', async () => {
    const { again, isConfirmed, asked, fleet } = await confirmed({ becomes: 'k1' });
    expect(again()).toBe(1);
    expect(isConfirmed).toBe(false);
    await fleet.clock.drive(confirmVerifiers(asked, ACCEPT));
    expect(again()).toBe(1);
  });

  it.each([
    ['a file, which can be seen', { type: 'file' }],
    ['one that does not answer', { up: false }],
    ['another history, of which nothing is published', { elsewhere: true }],
  ] as const)('is another matter with %s', async (_what, scene) => {
    const { again, isConfirmed } = await confirmed(scene);
    expect(again()).toBe(0);
    expect(isConfirmed).toBe(false);
  });
});
