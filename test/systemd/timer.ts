import { describe, expect, it } from 'vitest';
import type { Machine } from './machine.js';
import { active, rotatedFrom, status, tally } from './site.js';

const FAST = '/etc/systemd/system/jwtrot.timer.d/zz-fast.conf';

/** The timer comes every few seconds instead of every hour. */
export async function startTimer(machine: Machine): Promise<void> {
  const text = '[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nAccuracySec=10ms\n';
  await machine.must(`cat > ${FAST}; systemctl daemon-reload; systemctl restart jwtrot.timer`, text);
}

export async function stopTimer(machine: Machine): Promise<void> {
  await machine.must(
    `rm -f ${FAST}; systemctl daemon-reload; systemctl stop jwtrot.timer; while [ "$(systemctl show -P ActiveState jwtrot)" = activating ]; do sleep 0.1; done`,
  );
}

interface Entry {
  readonly MESSAGE: string;
  readonly PRIORITY: string;
  /** Of systemd's own messages about a unit. */
  readonly INVOCATION_ID?: string;
  /** Of the unit that said it. */
  readonly _SYSTEMD_INVOCATION_ID?: string;
  readonly __REALTIME_TIMESTAMP: string;
}

async function journal(machine: Machine): Promise<Entry[]> {
  const lines = (await machine.must('journalctl -u jwtrot.service -o json --no-pager')).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Entry);
}

const FORCED = '/run/systemd/system/jwtrot.service.d/forced.conf';

/** From what the timer starts to the end of the rotation. @returns milliseconds */
async function unitTook(machine: Machine): Promise<number> {
  const started = performance.now();
  await machine.must('systemctl start jwtrot.service');
  return performance.now() - started;
}

/** The same, as the same user and with its KEK, without systemd and the sandbox. */
async function handTook(machine: Machine): Promise<number> {
  const user = 'setpriv --reuid=jwtrot --regid=jwtrot --groups=jwtrot,issuer';
  await machine.must(
    'install -d -o jwtrot -m 0700 /run/hand; systemd-creds decrypt --name=jwtrot-kek /etc/credstore.encrypted/jwtrot-kek /run/hand/jwtrot-kek; chown jwtrot /run/hand/jwtrot-kek; chmod 0400 /run/hand/jwtrot-kek',
  );
  const started = performance.now();
  const said = await machine.must(
    `${user} env HOME=/var/lib/jwtrot CREDENTIALS_DIRECTORY=/run/hand jwtrot rotate --force`,
  );
  const took = performance.now() - started;
  expect(said).toContain('api: rotated;');
  await machine.must('rm -r /run/hand');
  return took;
}

/** Rotations by the timer, under traffic. */
export function describeTimer(at: () => Machine): void {
  describe('the timer', () => {
    it('rotates, and PyJWT accepts every token of the old and the new key', async () => {
      const machine = at();
      await machine.must('systemctl start traffic');
      const first = await active(machine);
      await startTimer(machine);
      await rotatedFrom(machine, first);
      await rotatedFrom(machine, await active(machine));
      const peak = await machine.peakMemory('jwtrot.service');
      console.log(`peak memory of a whole run: ${peak} MiB`);
      expect(peak).toBeGreaterThan(20);
      expect(peak).toBeLessThanOrEqual(100);
      const seen = await tally(machine);
      console.log(`traffic over two rotations: ${JSON.stringify({ ...seen, kids: seen.kids.length })}`);
      expect(seen).toMatchObject({ rejected: 0, unavailable: 0, reasons: [] });
      expect(seen.kids.length).toBeGreaterThanOrEqual(2);
      expect(seen.minted).toBeGreaterThan(50);
    });

    it('is seen in the journal, a line for each event with its priority', async () => {
      const machine = at();
      const ours = (await journal(machine)).filter((entry) => entry.INVOCATION_ID === undefined);
      const said = ours.map((entry) => `${entry.PRIORITY} ${entry.MESSAGE}`);
      expect(said).toContainEqual(
        expect.stringMatching(/^6 api: pass the gate and activate \S+… \(every verifier can know it\)$/),
      );
      expect(said).toContainEqual(expect.stringMatching(/^6 api: {3}issuer confirmed$/));
      expect(said).toContainEqual(expect.stringMatching(/^6 api: rotated; active v\d+ /));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
      expect(said.join('\n')).not.toMatch(/\u001b|[⠋⠙⠹]|<\d>/);
    });

    it('leaves its result in systemctl status, and takes hardly longer than the same command by hand', async () => {
      const machine = at();
      await stopTimer(machine);
      const { stdout } = await machine.run('systemctl status --no-pager jwtrot.service');
      expect(stdout).toMatch(/Status: "api: .*active v\d+ /);
      await machine.must(
        `mkdir -p $(dirname ${FORCED}); cat > ${FORCED}; systemctl daemon-reload`,
        '[Service]\nExecStart=\nExecStart=jwtrot rotate --force\n',
      );
      const byTimer: number[] = [];
      const byHand: number[] = [];
      const ratio = () => Math.min(...byTimer) / Math.min(...byHand);
      // By turns: the machine may be busy with other things for a while. What each can do is the least that it took.
      for (let i = 0; i < 2 || (i < 5 && ratio() > 1.5); i += 1) {
        byTimer.push(await unitTook(machine));
        byHand.push(await handTook(machine));
      }
      await machine.must(`rm ${FORCED}; systemctl daemon-reload`);
      console.log(
        `from the timer's firing to rotated: ${byTimer.map(Math.round)} ms; by hand: ${byHand.map(Math.round)} ms`,
      );
      expect(ratio()).toBeLessThanOrEqual(1.5);
      expect(await tally(machine)).toMatchObject({ rejected: 0, unavailable: 0 });
      expect((await status(machine)).rollout).toBe(null);
    });
  });
}
