import { describe, expect, it } from 'vitest';
import { Stage } from './stage.js';

const FILE = { kind: 'file', url: false, tmpfs: false, heedsRevision: true } as const;
const K1 = 'k1'.padEnd(43, '-');
const K2 = 'k2'.padEnd(43, '-');

describe('History 21: the owner of an outlet’s directory writes the record beside it', () => {
  it.each([
    ['a huge revision', { revision: Number.MAX_SAFE_INTEGER }],
    ['a later revision', { revision: 1_000 }],
    ['the active key as retired', { retired: [{ kid: K1, thumbprint: K1 }] }],
    ['another lineage', { lineage: 'of his own' }],
  ] as const)('21: %s: it takes no key out, and stops no other outlet', async (_, changes) => {
    const stage = new Stage({ publish: [FILE, FILE], deliver: true });
    const { operators, world } = stage;
    await stage.begin();
    const [one, other] = world.outlets[0].publish;
    one!.record = { ...one!.record!, ...changes };
    const isTakenFor = !('retired' in changes);
    const held = { one: one!.content.kids, other: other!.content.kids };
    expect(await operators.run()).toMatchObject({ error: null, exit: 0 });
    expect({ one: one!.content.kids, other: other!.content.kids }).toEqual(held);
    const result = await operators.run({ force: true });
    expect(result).toMatchObject({ error: null, exit: isTakenFor ? 4 : 0 });
    expect(other!.content.kids).toEqual([K1, K2]);
    expect(one!.content.kids).toEqual(isTakenFor ? [K1] : [K1, K2]);
    expect(stage.active).toBe('k1');
    // An incident gets through everywhere else, and names the outlet.
    const started = operators.retire(K1);
    await operators.until(started);
    expect(started.result?.problems.some((problem) => problem.message.startsWith(one!.label))).toBe(isTakenFor);
    expect(other!.content.kids).toEqual([K2]);
    expect(stage.delivered).toBe('k2');
    // What the hint says.
    if (isTakenFor) one!.record = null;
    expect(await stage.broken()).toEqual([]);
  });
});
