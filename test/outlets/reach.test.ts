import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import { type Answering, Reach } from '../../src/outlets/reach.js';
import { newPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, toFile, tryToWrite } from './support.js';

let content: OutletContent;
beforeAll(async () => {
  content = { ...contentOf(1, [await newPair()]), isIncident: true };
});

/** A directory that does not answer for as long as `isDead`. */
function deadOne(dead: string) {
  const asked: number[] = [];
  const state = { isDead: true, asked };
  const answering: Answering = {
    mayHang: async () => true,
    answers: async (directory, limit) => {
      if (directory !== dead || !state.isDead) return true;
      asked.push(limit);
      await new Promise((go) => setTimeout(go, limit));
      return false;
    },
  };
  return { state, answering };
}

const never = () => new Promise<never>(() => {});

describe('a directory that does not answer', () => {
  it('is named, and nothing is done there: the other outlet is written', async () => {
    const [dead, good] = [diskFolder(), diskFolder()];
    const { state, answering } = deadOne(dead);
    const path = join(good, 'jwks.json');
    const port = portOf({ publish: [toFile(join(dead, 'jwks.json')), toFile(path)], answering });
    const began = performance.now();
    const { problems, publish } = await tryToWrite(port, content);
    expect(problems).toMatchObject([{ outlet: join(dead, 'jwks.json'), code: 'outlet-hangs', kind: 'services' }]);
    expect(problems[0]?.message).toContain(`${dead} does not answer within`);
    expect([publish, existsSync(join(dead, '.jwks.json.jwtrot-lock'))]).toEqual([true, false]);
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(content.jwks));
    // Once for as long as it takes, never again: each look would hold up the others.
    expect(performance.now() - began).toBeLessThan(12_000);
    await port.observe(2_000);
    expect(state.asked.slice(1).every((limit) => limit === 100)).toBe(true);
    expect(state.asked.length).toBeGreaterThan(1);
    state.isDead = false;
    expect((await tryToWrite(port, content)).problems).toEqual([]);
  }, 30_000);

  it('is seen to hold no key, and why is said', async () => {
    const dead = diskFolder();
    const { answering } = deadOne(dead);
    const port = portOf({ publish: [toFile(join(dead, 'jwks.json'))], answering });
    const [holding] = await port.observe(200);
    expect(holding).toMatchObject({ keys: [], intact: false, problem: expect.stringContaining('does not answer') });
    expect(await port.readBack(content, 1_000, new AbortController().signal)).toMatchObject([
      { reason: expect.stringContaining('does not answer') },
    ]);
  });
});

describe('a call that does not come back', () => {
  it('is waited for no longer than its time, and no other is begun beside it', async () => {
    const answering = { mayHang: async () => false, answers: never };
    const reach = new Reach(diskFolder(), answering);
    let come: (value: string) => void = () => {};
    const coming = new Promise<string>((resolve) => {
      come = resolve;
    });
    const late: string[] = [];
    const began = performance.now();
    await expect(
      reach.within(
        100,
        () => coming,
        (value) => late.push(value),
      ),
    ).rejects.toMatchObject({
      code: 'outlet-hangs',
      message: expect.stringContaining('whether it was done there is not known'),
    });
    expect(performance.now() - began).toBeLessThan(2_000);
    let begun = false;
    const second = reach.within(100, async () => {
      begun = true;
    });
    await expect(second).rejects.toMatchObject({ message: expect.stringContaining('nothing was done there') });
    expect(begun).toBe(false);
    come('opened at last');
    await new Promise((go) => setTimeout(go, 10));
    expect(late).toEqual(['opened at last']);
    expect(await reach.within(1_000, async () => 'well')).toBe('well');
  });

  it('hands on what it throws', async () => {
    const reach = new Reach(diskFolder(), { mayHang: async () => false, answers: never });
    await expect(reach.within(1_000, async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
