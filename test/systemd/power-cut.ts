import { describe, expect, it } from 'vitest';
import { type Machine, until } from './machine.js';
import { active, issuerKid, status, tally } from './site.js';
import { startTimer, stopTimer } from './timer.js';

export function describePowerCut(at: () => Machine): void {
  describe('a power cut in the middle of a rotation', () => {
    it('is settled by the next timer run after boot, and services find their keys when they start', async () => {
      const machine = at();
      await machine.must('systemctl enable issuer verifier nginx traffic; touch /run/hold-issuer');
      await startTimer(machine);
      const waiting = /waiting for issuer/;
      await until(
        async () => waiting.test(await machine.show('jwtrot.service', 'StatusText')),
        'the issuer is awaited',
      );
      const chosen = await active(machine);
      expect(await issuerKid(machine)).not.toBe(chosen);
      await machine.must('sync');
      await machine.powerOff();

      await machine.boot();
      const written = Number(await machine.show('jwtrot-sync.service', 'ExecMainExitTimestampMonotonic'));
      const started = Number(await machine.show('issuer.service', 'ExecMainStartTimestampMonotonic'));
      expect(written).toBeGreaterThan(0);
      expect(started).toBeGreaterThan(written);
      expect(await machine.must('journalctl -b -u issuer --no-pager -o cat')).not.toContain('no key');
      // The rollout that was cut off is over; later ones may be under way already.
      await until(
        async () => (await machine.must('journalctl -b -u jwtrot --no-pager -o cat')).includes('api: rotated; active'),
        'a timer run settles it',
        60_000,
        () => machine.must('journalctl -u jwtrot -u jwtrot-sync -u issuer --no-pager -n 80'),
      );
      await stopTimer(machine);
      await machine.must('systemctl start jwtrot.service');
      expect((await status(machine)).rollout).toBe(null);
      expect(await issuerKid(machine)).toBe(await active(machine));
      expect(await tally(machine)).toMatchObject({ rejected: 0 });
    });
  });
}
