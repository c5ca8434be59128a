import { describe, expect, it } from 'vitest';
import { recover } from '../../src/keyset/recovery/recovery.js';
import { CASES, OLD } from './recovery-cases.js';
import { evidence, jwks, NOTHING_SAID, remembers, secrets, signer, thumb, verifier } from './recovery-scenes.js';

describe('store recover decides', () => {
  it.each(CASES)('%s', (_, found, request, expected) => {
    const { recovery, refusal } = recover(found, request);
    const fates = recovery.fates.filter(({ becomes }) => becomes !== 'same' && becomes !== 'left');
    const seen = new Set<string>();
    const names = fates.map(({ known, becomes }) => {
      const name = seen.has(known.kid) ? `${known.kid} (${known.thumbprint.replace(/_+$/, '')})` : known.kid;
      seen.add(known.kid);
      return [name, becomes];
    });
    expect({
      because: recovery.because?.why ?? null,
      fates: Object.fromEntries(names),
      refusal: refusal?.code,
      mended: recovery.mended,
    }).toEqual({ refusal: undefined, mended: [], ...expected });
    expect(recovery.isNothing).toBe(expected.because === null && names.length + recovery.mended.length === 0);
  });

  it('begins above every revision that anybody has seen, and below none that nobody can have', () => {
    const outlets = [
      jwks([], { record: { keyset: 'api', lineage: 'l1', revision: 120 } }),
      jwks([], { record: { keyset: 'api', lineage: 'forgotten', revision: 140 } }),
      jwks([], { record: { keyset: 'another', lineage: 'l1', revision: 400 } }),
      jwks([], { record: { keyset: 'api', lineage: 'l1', revision: 9e15 } }),
    ];
    const { recovery } = recover(evidence({ manifest: OLD, record: remembers(), outlets }), NOTHING_SAID);
    expect(recovery.revision).toBe(1_000_140);
    expect(recovery.formerLineages).toEqual(['l1']);
  });

  it('names the kids that services report and that nobody knows', () => {
    const found = (signing: string) =>
      evidence({
        manifest: OLD,
        record: remembers(),
        secrets: secrets('k1', 'k2'),
        services: [verifier('k2', 'odd'), signer(signing)],
      });
    const { recovery, refusal } = recover(found('k2'), NOTHING_SAID);
    expect(recovery.strange).toEqual([{ kid: 'odd', services: ['gateway'] }]);
    expect(refusal).toBeNull();
    // One that signs with it has it from a host that knows more: what that one retired can't be told from here.
    const signing = recover(found('odd'), NOTHING_SAID);
    expect(signing.recovery.strange).toEqual([{ kid: 'odd', services: ['gateway', 'issuer'] }]);
    expect(signing.refusal).toMatchObject({ code: 'retirements-unknown', options: ['--none-retired'] });
    expect(signing.refusal?.message).toContain('issuer signs with key "odd", of which nothing is known here');
    expect(recover(found('odd'), { ...NOTHING_SAID, noneRetired: true }).refusal).toBeNull();
  });

  it('says which option answers it', () => {
    const { refusal } = recover(
      evidence({ manifest: OLD, record: remembers(), outlets: [jwks(['evil'], { isGiven: false })] }),
      NOTHING_SAID,
    );
    expect(refusal?.options).toEqual([`--adopt ${thumb('evil')}`]);
    expect(refusal?.message).toContain('"evil" (in /srv/jwks.json)');
  });
});
