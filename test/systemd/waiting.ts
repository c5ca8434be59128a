import { describe, expect, it } from 'vitest';
import { WAIT } from './configurations.js';
import { expectPrinted, OPERATIONS } from './hosts.js';
import { type Machine, until } from './machine.js';

/** Begun early, looked at late: other scenarios go on meanwhile. */
export async function beginWait(machine: Machine): Promise<void> {
  await machine.must('systemctl start --no-block jwtrot@wait.service');
}

export function describeWaiting(at: () => Machine): void {
  describe('waiting', () => {
    it('tells systemctl status who is awaited and since when, and ends within 5 s when it is stopped', async () => {
      const machine = at();
      await machine.must('systemctl start --no-block jwtrot@stop.service');
      const awaited = /^stop: 0 of 1 services confirmed, waiting for gateway \(10\.0\.0\.7\) since \d+s$/;
      await until(
        async () => awaited.test(await machine.show('jwtrot@stop.service', 'StatusText')),
        'the status says so',
      );
      const said = /^ *Status: .*$/m.exec((await machine.run('systemctl status --no-pager jwtrot@stop')).stdout)?.[0];
      expectPrinted(OPERATIONS, 'Status:', said ?? '');

      const started = performance.now();
      await machine.must('systemctl stop jwtrot@stop.service');
      const took = performance.now() - started;
      console.log(`stopped after ${Math.round(took)} ms`);
      expect(took).toBeLessThan(5_000);
      const logged = await machine.must('journalctl -u jwtrot@stop --no-pager -o cat');
      expect(logged).toContain('interrupted by SIGTERM; the step under way was finished or is resumable');
      expect(logged).toContain('the rollout of ');
      expect(logged).not.toContain('Failed with result');
      const { keysets } = JSON.parse(
        await machine.must('jwtrot-run --config /etc/jwtrot/stuck.yaml --keyset stop status --json'),
      ) as { keysets: { rollout: object | null }[] };
      expect(keysets[0]?.rollout).toMatchObject({ phase: expect.any(String) });
    });

    it(`is not killed under MemoryMax=100M, ${WAIT} s long`, async () => {
      const machine = at();
      const unit = 'jwtrot@wait.service';
      await until(async () => (await machine.show(unit, 'ActiveState')) === 'failed', 'the wait is over', 90_000);
      const peak = await machine.peakMemory(unit);
      console.log(`peak memory of a wait of ${WAIT} s: ${peak} MiB`);
      expect(peak).toBeGreaterThan(20);
      expect(await machine.show(unit, 'Result')).toBe('exit-code');
      expect(await machine.show(unit, 'ExecMainStatus')).toBe('4');
      const said = await machine.must(`journalctl -u ${unit} --no-pager -o cat`);
      expect(said).toContain('gateway/10.0.0.7 unconfirmed');
      // What OnFailure= did.
      expect(await machine.must('journalctl -u "jwtrot-failure@*" --no-pager -o cat -p err')).toContain('gateway');
    });
  });
}
