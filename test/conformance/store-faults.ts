import { describe, expect, it } from 'vitest';
import { firstManifest, jweWrapped, newPair, withEvent } from '../support/manifest.js';
import type { FaultKind, FaultOperation, MakeStore, StoreUnderTest } from './store.js';
import { commit, read } from './store-commits.js';
import { gone } from './store-keys.js';

function faultsOf(made: StoreUnderTest): NonNullable<StoreUnderTest['faults']> {
  if (made.faults === undefined) throw new Error('the suite was told that `faults` is there');
  return made.faults;
}

/** What came of a call that met a fault: its value, or the error, which must be one that was foreseen. */
async function outcome<T>(call: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await call };
  } catch (error) {
    expect(error).toMatchObject({ name: 'JwtrotError', kind: 'store' });
    return { error };
  }
}

export function faultTests(make: MakeStore, kind: FaultKind, operation: FaultOperation): void {
  describe(`a fault (${kind}) of a ${operation}`, () => {
    if (operation === 'commit') commitFaults(make, kind);
    if (operation === 'put') putFault(make, kind);
    if (operation === 'delete') deleteFault(make, kind);
  });
}

function commitFaults(make: MakeStore, kind: FaultKind): void {
  it.each(['creation', 'later commit'])('leaves a %s won, or undone and open to another try', async (which) => {
    const made = await make();
    const base = which === 'creation' ? null : await commit(made.store, firstManifest('api'), null);
    const manifest = base === null ? firstManifest('api') : withEvent(base.manifest, 'mine');
    faultsOf(made).next(kind, 'commit');
    const result = await outcome(made.store.commitManifest(manifest, base));
    if (kind === 'before' && 'error' in result) {
      expect((await made.store.readManifest('api'))?.manifest ?? null).toEqual(base?.manifest ?? null);
      await commit(made.store, manifest, base);
    } else {
      // The effect is there: the commit's id decides, and it is a win.
      expect(result).toMatchObject({ value: { manifest } });
    }
    expect((await read(await made.another(), 'api')).manifest).toEqual(manifest);
  });

  it('does not turn a lost race into a win', async () => {
    const made = await make();
    const first = await commit(made.store, firstManifest('api'), null);
    const theirs = await commit(await made.another(), withEvent(first.manifest, 'theirs'), first);
    faultsOf(made).next(kind, 'commit');
    const result = await outcome(made.store.commitManifest(withEvent(first.manifest, 'mine'), first));
    if ('value' in result) expect(result.value).toBeNull();
    expect((await read(made.store, 'api')).manifest).toEqual(theirs.manifest);
  });
}

function putFault(make: MakeStore, kind: FaultKind): void {
  it('leaves the key whole, or absent and open to another try', async () => {
    const made = await make();
    const pair = await newPair();
    faultsOf(made).next(kind, 'put');
    const result = await outcome(made.store.putKey('api', pair.thumbprint, jweWrapped(pair)));
    if ('error' in result) {
      const held = await made.store.getKey('api', pair.thumbprint);
      if (held !== null) expect(held).toEqual(jweWrapped(pair));
      await made.store.putKey('api', pair.thumbprint, jweWrapped(pair));
    }
    expect(await (await made.another()).getKey('api', pair.thumbprint)).toEqual(jweWrapped(pair));
  });
}

function deleteFault(make: MakeStore, kind: FaultKind): void {
  it.each([true, false])('can be tried again (purge: %s)', async (purge) => {
    const made = await make();
    const pair = await newPair();
    const options = { recoveryWindowDays: 7, purge };
    await made.store.putKey('api', pair.thumbprint, jweWrapped(pair));
    faultsOf(made).next(kind, 'delete');
    await outcome(made.store.deleteKey('api', pair.thumbprint, options));
    await made.store.deleteKey('api', pair.thumbprint, options);
    expect(await made.store.getKey('api', pair.thumbprint)).toBeNull();
    expect(purge ? await gone(made.store, 'api', pair.thumbprint) : true).toBe(true);
    expect(await made.store.isKeyGone('api', pair.thumbprint)).toBe(purge);
  });
}
