import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Machine, until } from './machine.js';

const CONFIGURATION = '/etc/jwtrot/first.yaml';
const service = (name: string, port: number) => ({
  name,
  role: 'signer',
  reload: { systemd: `${name}.service` },
  health: { url: `http://127.0.0.1:${port}/healthz`, deadline: '20s' },
});

/** Signers that end at once where there is no key: one that nobody started, one that starts again and again, one that gave up. */
const SIGNERS: readonly [name: string, settings: string, state: string][] = [
  ['needs-key', '', 'inactive'],
  ['tries-on', 'Restart=always\nRestartSec=2', 'activating'],
  ['gave-up', 'Restart=always\nRestartSec=10ms', 'failed'],
];

/** A service that needs its key file to start, and jwtrot, which waits for it. */
export function describeFirstStart(at: () => Machine): void {
  describe('the first start', () => {
    it('delivers the first key, and starts whoever could not start without it', async () => {
      const machine = at();
      const services = SIGNERS.map(([name], i) => service(name, 9090 + i));
      await machine.must(
        `cat > ${CONFIGURATION}`,
        stringify({
          store: { type: 'directory', path: '/var/lib/jwtrot/first' },
          wrap: { type: 'local', kek: { credential: 'jwtrot-kek' } },
          keysets: {
            first: {
              alg: 'ES256',
              maxTokenTtl: '1h',
              deliver: [{ file: '/run/jwtrot/first.jwk', format: 'jwk', group: 'issuer', mode: '0440' }],
              services,
            },
          },
        }),
      );
      for (const [i, [name, settings]] of SIGNERS.entries())
        await machine.must(
          `cat > /run/systemd/system/${name}.service; systemctl daemon-reload`,
          `[Unit]\nStartLimitIntervalSec=3\n[Service]\nUser=issuer\nExecStartPre=test -e /run/jwtrot/first.jwk\nExecStart=node /opt/site/needs-key.mjs /run/jwtrot/first.jwk ${9090 + i}\nExecReload=kill -HUP $MAINPID\n${settings}\n`,
        );
      await machine.must(`jwtrot -c ${CONFIGURATION} setup systemd; systemctl stop jwtrot.timer`);
      await machine.run('systemctl start tries-on gave-up');
      for (const [name, , state] of SIGNERS)
        await until(async () => (await machine.show(name, 'ActiveState')) === state, `${name} is ${state}`);

      // Until systemd starts again what it gave up.
      await machine.must('sleep 3');
      const started = performance.now();
      const { code, stdout } = await machine.run('jwtrot-run rotate');
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^first: rotated; active v1 /) });
      console.log(`first key and first start: ${Math.round(performance.now() - started)} ms`);
      for (const [name] of SIGNERS) expect(await machine.show(name, 'ActiveState')).toBe('active');
    });

    it('is the only one: whoever is stopped later stays so', async () => {
      const machine = at();
      await machine.must('systemctl stop needs-key');
      const { code, stderr } = await machine.run('jwtrot-run rotate --immediate');
      expect(code).toBe(4);
      expect(stderr).toMatch(/needs-key: reload failed: unit needs-key\.service is not running/);
      expect(await machine.show('needs-key', 'ActiveState')).toBe('inactive');
      await machine.must(`systemctl stop tries-on gave-up; rm ${CONFIGURATION}; jwtrot setup systemd`);
    });

    it('is told where the configuration is newer than what setup wrote', async () => {
      const machine = at();
      const NEW = `s/nginx.service/traffic.service/`;
      await machine.must(`cp /etc/jwtrot/jwtrot.yaml /run/kept.yaml; sed -i '${NEW}' /etc/jwtrot/jwtrot.yaml`);
      const note =
        /note: \/etc\/jwtrot\/jwtrot\.yaml or jwtrot is newer than .*run it again: sudo jwtrot setup systemd/;
      expect((await machine.run('jwtrot-run status')).stderr).toMatch(note);
      const { stderr } = await machine.run('jwtrot-run rotate --immediate');
      expect(stderr).toMatch(note);
      expect(stderr).toMatch(/denies this user to control unit traffic\.service/);
      expect(stderr).toMatch(/hint: sudo jwtrot setup systemd \(the rule is older than the configuration\)/);
      await machine.must('mv /run/kept.yaml /etc/jwtrot/jwtrot.yaml');
      expect((await machine.run('jwtrot-run status')).stderr).not.toContain('note:');
    });
  });
}
