import { describe, expect, it } from 'vitest';
import { stepsText } from '../../src/cli/output/recovery-text.js';
import { HOUR, MINUTE } from '../../src/keyset/basics/clock.js';
import { otherHistory } from '../../src/keyset/history/other-history.js';
import { recorded } from '../../src/keyset/history/record.js';
import { decodeManifest, encodeManifest } from '../../src/keyset/manifest/encoding.js';
import { brokenInvariants } from '../../src/keyset/manifest/invariants.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { NOTHING_ASKED } from '../../src/keyset/planning/action.js';
import { plan } from '../../src/keyset/planning/plan.js';
import type { Holding } from '../../src/keyset/published/jwk-set.js';
import { openRetirements } from '../../src/keyset/questions/open-incidents.js';
import type { Evidence, RecoveryRequest } from '../../src/keyset/recovery/evidence.js';
import { recovered } from '../../src/keyset/recovery/recovered.js';
import { recover } from '../../src/keyset/recovery/recovery.js';
import { backedOff } from '../../src/keyset/transitions/all.js';
import { JWKS, POLICY, SIGNER_JWK, START, thumbprintOf } from './fixtures.js';
import { CASES, OLD } from './recovery-cases.js';
import {
  delivered,
  evidence,
  jwks,
  key,
  NOTHING_SAID,
  named,
  remembers,
  restored,
  secrets,
  signer,
  verifier,
} from './recovery-scenes.js';
import { rotated } from './scenes.js';

const AT = START + HOUR;

function recoveredFrom(found: Evidence, request: RecoveryRequest = NOTHING_SAID): Manifest {
  const { recovery } = recover(found, request);
  const next = recovered(found.manifest, recovery, { keyset: 'api', lineage: 'l9', policy: POLICY }, AT);
  return { ...next, commits: [...next.commits, { id: 'new', at: AT }] };
}

function keyIn(manifest: Manifest, kid: string) {
  return manifest.keys.find((one) => one.kid === kid);
}

/** What the next `rotate` does, with outlets that hold these kids. */
function planned(manifest: Manifest, holdings: readonly Holding[]): string[] {
  const host = { id: 'h', hostname: 'alpha', bound: true };
  const { actions, refusal } = plan({
    keyset: 'api',
    manifest,
    policy: POLICY,
    now: AT + 1,
    observations: { holdings, reported: [], host, clockOffset: null },
    request: NOTHING_ASKED,
    blocked: new Set(),
  });
  expect(refusal).toBeNull();
  return actions.map(({ type }) => type);
}

function holds(outlet: typeof JWKS, ...kids: string[]): Holding {
  return { ...outlet, intact: true, keys: kids.map((kid) => ({ kid, thumbprint: kid.padEnd(43, '_') })) };
}

describe('a recovered manifest', () => {
  it.each(CASES)('is sound, and can be read again: %s', async (_, found, request) => {
    const next = recoveredFrom(found, request);
    expect(brokenInvariants(next)).toEqual([]);
    const read = await decodeManifest(encodeManifest(next), 'api', 'here', thumbprintOf);
    expect(read.keys.map(({ kid, state }) => [kid, state])).toEqual(next.keys.map(({ kid, state }) => [kid, state]));
  });

  it.each(CASES)('has no key in use that anybody knows as retired: %s', (_, found, request) => {
    const inUse = recoveredFrom(found, request).keys.filter(
      ({ state }) => state !== 'retired' && state !== 'destroyed',
    );
    const record = typeof found.record === 'object' ? found.record : null;
    const retired = [
      ...(record?.retired ?? []).map(({ thumbprint }) => thumbprint),
      ...(found.manifest?.keys ?? []).filter(({ state }) => state === 'destroyed').map(({ thumbprint }) => thumbprint),
    ];
    for (const { thumbprint } of inUse) expect(retired).not.toContain(thumbprint);
    for (const { kid } of inUse) expect(request.retired.map((one) => one.kid)).not.toContain(kid);
  });

  it.each(CASES)('is the history that this host and its outlets know from then on: %s', (_, found, request) => {
    const next = recoveredFrom(found, request);
    const record = typeof found.record === 'object' ? found.record : null;
    expect(otherHistory(record, next)).toBeNull();
    expect(otherHistory(recorded(record, next), next)).toBeNull();
  });

  it('names the former histories and lies far above them', () => {
    const next = recoveredFrom(evidence({ manifest: OLD, record: remembers(), secrets: secrets('k1', 'k2') }));
    expect(next).toMatchObject({ lineage: 'l9', formerLineages: ['l1'], revision: 1_000_100 });
    expect(next.events.at(-1)).toMatchObject({ type: 'recovered', at: AT });
  });

  it('has every kept key verify until signers were seen off it, however old the backup is', () => {
    const next = recoveredFrom(evidence({ manifest: OLD, record: remembers(), secrets: secrets('k1', 'k2') }));
    expect(keyIn(next, 'k1')).toMatchObject({ state: 'deprecated', signedUntil: null, verifyFor: POLICY.verifyFor });
    expect(keyIn(next, 'k2')).toMatchObject({ state: 'active', hasPrivate: true, verifyFor: POLICY.verifyFor });
    expect(next).toMatchObject({ rollout: null, signersOwed: true, refresh: { publish: true, deliver: true } });
  });

  it('is followed by a rotate that writes, has services read, and looks at signers before clocks start', () => {
    const next = recoveredFrom(
      evidence({
        manifest: OLD,
        record: remembers(),
        secrets: secrets('k1', 'k2'),
        outlets: [jwks(['k1', 'k2', 'k3'])],
      }),
    );
    const actions = planned(next, [holds(JWKS, 'k2'), holds(SIGNER_JWK, 'k2')]);
    expect(actions).toEqual(['write-outlets', 'refresh-services', 'confirm-signers']);
  });

  it('is followed by a drop that verifiers show, where a retired key comes back to light', () => {
    const found = evidence({ manifest: OLD, record: remembers('k1'), secrets: secrets('k1', 'k2') });
    const next = recoveredFrom(found);
    expect(keyIn(next, 'k1')).toMatchObject({ state: 'retired', reason: 'compromised', droppedAt: null, goneAt: null });
    const actions = planned(next, [holds(JWKS, 'k1', 'k2'), holds(SIGNER_JWK, 'k2')]);
    expect(actions).toEqual(expect.arrayContaining(['write-outlets', 'delete-secret', 'confirm-drop']));
  });

  it('lets a pending key through the gate at once where no key can sign', () => {
    const manifest = restored([key('k2', 'active'), key('k3', 'pending')]);
    const found = evidence({ manifest, record: remembers('k2'), secrets: secrets('k3'), services: [signer('k2')] });
    const next = recoveredFrom(found);
    expect(next.rollout).toMatchObject({ kid: 'k3', former: null, phase: 'publish', immediate: true });
    const actions = planned(next, [holds(JWKS, 'k2'), holds(SIGNER_JWK, 'k2')]);
    const order = actions.filter((type) => ['confirm-verifiers', 'activate', 'confirm-signers'].includes(type));
    expect(order.slice(0, 3)).toEqual(['confirm-verifiers', 'activate', 'confirm-signers']);
  });

  it('names a key whose private half lies in a delivered file alone before it is stored, like an import', () => {
    const found = evidence({ record: remembers('k1'), outlets: [jwks(['k2', 'k3']), delivered('k3')] });
    const next = recoveredFrom(found);
    expect(keyIn(next, 'k3')).toMatchObject({ state: 'creating', signedFrom: AT, hasPrivate: true });
    expect(next.rollout).toMatchObject({ kid: 'k3', phase: 'store' });
    expect(planned(next, [holds(JWKS, 'k2', 'k3'), holds(SIGNER_JWK, 'k3')])[0]).toBe('recover');
  });

  it('numbers what is in use before tombstones, after the versions that the store knows', () => {
    const found = evidence({
      manifest: OLD,
      record: remembers('k4', 'k5'),
      secrets: secrets('k1', 'k2'),
      outlets: [jwks(['k1', 'k2', 'k3']), delivered('k3')],
    });
    const { recovery } = recover(found, NOTHING_SAID);
    const { keys } = recoveredFrom(found);
    expect(Object.fromEntries(keys.map(({ kid, version }) => [kid, version]))).toEqual({
      k1: 1,
      k2: 2,
      k3: 3,
      k4: 4,
      k5: 5,
    });
    expect(keys.at(-1)?.kid).toBe('k3');
    const steps = stepsText(recovery, found);
    expect(steps).toContain('remember 2 more keys as retired: k4, k5');
    expect(steps).toContain(
      'number what the store does not know: k3 as v3 (which number it had went with the lost history)',
    );
  });

  it('names twenty of many retired keys, and where the others are', () => {
    const gone = Array.from({ length: 23 }, (_, i) => `gone-${i}`);
    const found = evidence({ manifest: OLD, record: remembers(...gone), secrets: secrets('k1', 'k2') });
    const steps = stepsText(recover(found, NOTHING_SAID).recovery, found);
    const step = steps.find((one) => one.startsWith('remember 23 more keys as retired: gone-0, gone-1, '));
    expect(step).toMatch(/, gone-19 and 3 more \(--json names each\)$/);
  });

  it('keeps an open incident open', () => {
    const retirement = {
      kid: 'k1',
      reason: 'compromised',
      requestedAt: START,
      deadlineAt: START,
      noReplacement: false,
      purge: false,
      checkAgainAt: null,
    } as const;
    const manifest = { ...OLD, retirements: [retirement] };
    const next = recoveredFrom(evidence({ manifest, record: remembers(), secrets: secrets('k1', 'k2') }));
    expect(next.retirements).toEqual([retirement]);
    expect(planned(next, [holds(JWKS, 'k1', 'k2'), holds(SIGNER_JWK, 'k2')])).toContain('retire');
  });

  it('opens an incident for what this host remembers as retired: verifiers may accept it still', () => {
    const found = evidence({ manifest: OLD, record: remembers('k1'), secrets: secrets('k1', 'k2') });
    const next = recoveredFrom(found);
    expect(next.retirements).toMatchObject([{ kid: 'k1', reason: 'compromised', deadlineAt: AT, checkAgainAt: null }]);
    expect(openRetirements(next)).toHaveLength(1);
    // Services that did not read outlets again are no reason to ask no more.
    const held = backedOff(next, 'the gateway did not confirm', AT);
    expect(planned(held, [holds(JWKS, 'k1', 'k2'), holds(SIGNER_JWK, 'k2')])).toContain('confirm-drop');
  });

  it('opens one for what the operator names, though the manifest’s history goes on', () => {
    const manifest = { ...OLD, revision: 100, commits: [{ id: 'c100', at: START }] };
    const found = evidence({
      manifest,
      record: remembers(),
      secrets: secrets('k1', 'k2'),
      outlets: [jwks(['k1', 'k2', 'k7'])],
    });
    const next = recoveredFrom(found, { ...NOTHING_SAID, retired: [named('k7'), named('k8')] });
    expect(next).toMatchObject({ lineage: 'l1', backoff: null });
    expect(openRetirements(next).map(({ kid }) => kid)).toEqual(['k8', 'k7']);
    expect(planned(next, [holds(JWKS, 'k1', 'k2', 'k7'), holds(SIGNER_JWK, 'k2')])).toEqual(
      expect.arrayContaining(['confirm-drop', 'recheck-drop']),
    );
  });

  it('opens none for a mere name that nobody holds, nor for what the manifest has as retired', () => {
    const gone = key('k3', 'retired', { reason: 'compromised', droppedAt: START, goneAt: START });
    const manifest = restored([gone, key('k1', 'deprecated'), key('k2', 'active')]);
    const found = evidence({ manifest, record: remembers('k3', 'k4', 'k5'), secrets: secrets('k1', 'k2', 'k3') });
    expect(recoveredFrom(found).retirements).toEqual([]);
    // It was open when the store was lost, and the verifier that has not dropped it does not answer.
    const record = remembers('k3', 'k4');
    const open = { ...record, retired: record.retired.map((one) => ({ ...one, isLeaving: true as const })) };
    expect(recoveredFrom({ ...found, record: open }).retirements.map(({ kid }) => kid)).toEqual(['k4']);
    expect(recoveredFrom({ ...found, services: [verifier('k5')] }).retirements.map(({ kid }) => kid)).toEqual(['k5']);
  });

  it('owes a look at verifiers where the store was lost before the recheck', () => {
    const story = rotated();
    story.retire('k1');
    const { known } = story;
    // Every verifier had dropped it, and the recheck was owed.
    expect(known.retirements).toMatchObject([{ kid: 'k1', checkAgainAt: story.now + HOUR + MINUTE }]);
    const record = recorded(null, { ...known, lineage: 'l1', commits: [{ id: 'c', at: story.now }] });
    const outlets = [jwks(['k2']), delivered('k2')];
    story.manifest = recoveredFrom(evidence({ record, secrets: secrets('k2'), outlets, services: [signer('k2')] }));
    expect(story.states).toBe('k1: destroyed, k2: active');
    expect(openRetirements(story.known).map(({ kid }) => kid)).toEqual(['k1']);
    const looks = () => story.run().filter((one) => one.startsWith('recheck-drop'));
    story.now = AT + 1;
    expect(looks()).toEqual(['recheck-drop k1 key-dropped']);
    expect(story.known.retirements).toEqual([]);
  });

  it('knows of a secret that could not be read while it was made: it is deleted one day like any other', () => {
    const unusable = secrets('k1').map((secret) => ({ ...secret, problem: 'no answer' }));
    const found = evidence({
      manifest: restored([key('k1', 'deprecated'), key('k2', 'active')]),
      record: remembers(),
      outlets: [jwks(['k1', 'k2']), delivered('k2')],
      services: [signer('k2'), verifier('k1', 'k2')],
      secrets: [...unusable, ...secrets('k2')],
    });
    expect(keyIn(recoveredFrom(found), 'k1')).toMatchObject({ state: 'deprecated', hasPrivate: true });
    const { recovery } = recover(found, NOTHING_SAID);
    const whys = recovery.fates.map(({ known, why }) => [known.kid, why]);
    expect(whys).toContainEqual(['k1', 'it verifies on; its private half can’t be used now']);
  });
});
