import { describe, expect, it } from 'vitest';
import { stepsText } from '../../src/cli/output/recovery-text.js';
import { recoverHintFor } from '../../src/cli/store/recover-hint.js';
import { assertThumbprints, completedThumbprints, readRetired } from '../../src/cli/store/retired-option.js';
import { recover } from '../../src/keyset/recovery/recovery.js';
import type { RecoveryRefusal } from '../../src/keyset/recovery/refusals.js';
import { OLD } from '../keyset/recovery-cases.js';
import { evidence, NOTHING_SAID, remembers, secrets } from '../keyset/recovery-scenes.js';

const ASKED: RecoveryRefusal = { code: 'retirements-unknown', message: '', options: ['--none-retired'] };
const [A, B] = ['a'.repeat(43), `a${'b'.repeat(42)}`];

describe('what store recover asks', () => {
  it('is answered beside what was answered before, so that no two questions take turns', () => {
    const given = { keyset: ['api'], adopt: [A, B], config: 'my jwtrot.yaml' };
    const command = `jwtrot store recover --config 'my jwtrot.yaml' --keyset api --adopt ${A} --adopt ${B}`;
    expect(recoverHintFor(ASKED, given)).toBe(
      `${command} --none-retired; or for each one that was: ${command} --retired KID`,
    );
    const undecided: RecoveryRefusal = { code: 'undecided-keys', message: '', options: [`--adopt ${B}`] };
    const answered = { adopt: [A], retired: ['k 1', '-k2'], noneRetired: true };
    expect(recoverHintFor(undecided, answered)).toMatch(
      `jwtrot store recover --retired 'k 1' --retired=-k2 --none-retired --adopt ${A} --adopt ${B};`,
    );
  });

  it('takes the unique beginning of a thumbprint, as elsewhere that of a kid', () => {
    expect(completedThumbprints(['aaaaaaaa', 'abbbbbbb', 'cccccccc'], [A, B])).toEqual([A, B, 'cccccccc']);
    const twins = [`${'a'.repeat(42)}x`, A];
    expect(completedThumbprints(['aaaaaaaa'], twins)).toEqual(['aaaaaaaa']);
    expect(() => assertThumbprints(['aaaaaaaa', A])).not.toThrow();
    expect(() => assertThumbprints(['abcd'])).toThrow(/8 or more/);
  });

  it('refuses an empty name, which an unset variable leaves', async () => {
    await expect(readRetired([''])).rejects.toThrow(/names no key/);
  });

  it('says plainly where no key has the kid that was named', async () => {
    const found = evidence({ manifest: OLD, record: remembers('k4'), secrets: secrets('k1', 'k2') });
    const steps = async (kid: string) => {
      const request = { ...NOTHING_SAID, retired: await readRetired([kid]) };
      return stepsText(recover(found, request).recovery, found).join('\n');
    };
    expect(await steps('nope')).toContain('no key that was found here has the kid "nope"');
    expect(await steps('k1')).not.toContain('no key that was found here');
  });
});
