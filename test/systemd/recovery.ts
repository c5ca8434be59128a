import { describe, expect, it } from 'vitest';
import { expectPrinted, type Hosts, INSTALL, install, OPERATIONS, RECOVERY, typed } from './hosts.js';
import { type Machine, until } from './machine.js';
import { issuerKid, status, tally } from './site.js';

const COPY = '/mnt/backup/monday';
const SHOWN = 'the store has revision';

async function expectNoneRejected(machine: Machine): Promise<void> {
  // A quick machine is done before so many are minted.
  await until(async () => (await tally(machine)).minted > 5, 'tokens are minted', 30_000);
  expect(await tally(machine)).toMatchObject({ rejected: 0, reasons: [] });
}

/** Fresh tokens alone: those of a key that was retired are rejected, and are meant to be. */
const RESTART_TRAFFIC = 'systemctl stop traffic; rm -f /run/traffic.json; systemctl start traffic';

/** The backup, kept on another host. */
async function carry(from: Machine, to: Machine, path: string): Promise<void> {
  await to.must(`base64 -d > ${path}; chmod 600 ${path}`, await from.must(`base64 ${path}`));
}

const MOVING = 'Moving to another host';
const MINT = 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:8080/token").read().decode())';
const VERIFY =
  'import sys,urllib.request as u; print(u.urlopen("http://127.0.0.1:8000/verify",sys.stdin.read().strip().encode()).status)';

const backUp = OPERATIONS.commands('Backing up');
const restore = OPERATIONS.commands('Restoring').slice(0, 5);

/** Backup, restore, moving and losing a host, by the commands of docs/operations.md and docs/recovery.md. */
export function describeRecovery(hosts: Hosts): void {
  describe('uninstalling for good, and beginning anew', () => {
    it('leaves nothing behind, and the first day can be had once more', async () => {
      const machine = hosts.at('id1');
      for (const command of OPERATIONS.commands('Uninstalling')) await typed(machine, command);
      expect(
        await machine.must(
          'find / -xdev -name "*jwtrot*" -not -path "/proc/*" -not -path "/root/*" -not -path "/srv/*" -not -path "/var/log/*" -not -path "/var/lib/systemd/*" -not -path "/run/systemd/*"',
        ),
      ).toBe('');
      // What depended on it.
      await machine.must('systemctl stop issuer gateway; rm -r /srv/jwks');
      await install(machine);
      await typed(machine, 'jwtrot setup systemd; systemctl stop jwtrot.timer; jwtrot-run rotate');
      await machine.must(RESTART_TRAFFIC);
      await typed(machine, 'jwtrot-run rotate --immediate');
    });
  });

  describe('a store', () => {
    it('is backed up while it works', async () => {
      const machine = hosts.at('id1');
      const [backup = '', keep = '', kek = '', whole = ''] = backUp;
      expectPrinted(OPERATIONS, 'wrote /var/lib/jwtrot/monday', await typed(machine, backup));
      await typed(machine, `${keep}; cd /mnt/backup; ${kek}`);
      expect(await machine.must('stat -c "%a" /mnt/backup/kek /mnt/backup/monday')).toBe('600\n600\n');
      await machine.must('(umask 077; echo correct horse battery staple > /root/passphrase)');
      expect(await typed(machine, whole)).toContain('encrypted, with the KEK; read back and checked');
      await machine.must('mv /var/lib/jwtrot/all.age /mnt/backup/');
    });

    it('that is put back from a backup is noticed, and recovered with no token rejected', async () => {
      const machine = hosts.at('id1');
      // What the backup does not know: a rotation, and a key that leaked.
      await typed(machine, 'jwtrot-run rotate --immediate');
      await expectNoneRejected(machine);
      const [first] = (await status(machine)).keys;
      await machine.must('systemctl stop traffic');
      await typed(machine, `jwtrot-run retire --kid ${first?.kid} --yes`);
      await machine.must(RESTART_TRAFFIC);
      const signing = await issuerKid(machine);

      await machine.must('cp /mnt/backup/kek /root/kek');
      const [, ...steps] = restore;
      const refused = await typed(machine, steps.at(-1) ?? '', 5);
      expectPrinted(OPERATIONS, 'is not empty: it holds', refused);
      await typed(machine, /mv \S+ \S+/.exec(refused)?.[0] ?? '');
      let said = '';
      for (const step of steps) said = await typed(machine, step);
      expect(said).toContain('next: jwtrot-run store recover (this host knows a later history of it)');
      expectPrinted(OPERATIONS, SHOWN.concat(' 90, and'), await typed(machine, 'jwtrot-run rotate', 5));
      expect(await typed(machine, 'jwtrot-run status --check', 2)).toContain('CRITICAL');
      const dry = RECOVERY.commands('After a restored or lost store')[0] ?? '';
      expectPrinted(RECOVERY, 'going to:', await typed(machine, dry));
      expect(await typed(machine, 'jwtrot-run store recover --yes')).toContain('api: recovered');
      await typed(machine, 'jwtrot-run rotate; systemctl start jwtrot.timer');
      expect(await issuerKid(machine)).toBe(signing);
      expect((await status(machine)).keys.find(({ kid }) => kid === first?.kid)?.state).toMatch(/retired|destroyed/);
      await expectNoneRejected(machine);
    });
  });

  describe('another host', () => {
    it('takes the keyset over, and accepts the tokens of the former one', async () => {
      const former = hosts.at('id1');
      await former.must(RESTART_TRAFFIC);
      for (const command of OPERATIONS.commands(MOVING).slice(0, 2)) await typed(former, command);
      await typed(former, `rm ${COPY}; ${backUp[0]}; ${backUp[1]}; cd /mnt/backup; rm kek; ${backUp[2]}`);
      const token = await former.must(`python3 -c '${MINT}'`);

      const machine = await hosts.boot('id2');
      await install(machine);
      for (const path of [COPY, '/mnt/backup/kek']) await carry(former, machine, path);
      await machine.must('mv /mnt/backup/kek /root/kek; systemctl start issuer gateway');
      let said = '';
      for (const step of restore.slice(1)) said = await typed(machine, step);
      expectPrinted(OPERATIONS, 'restored /var/lib/jwtrot/store from', said);
      expectPrinted(OPERATIONS, 'its outlets and reloads are there', await typed(machine, 'jwtrot-run rotate', 5));
      const [, takeOver = ''] = OPERATIONS.commands(MOVING).slice(-2);
      const asked = await typed(machine, `echo n | script -qec 'stty cols 250; ${takeOver}' /dev/null`, 2);
      expectPrinted(
        OPERATIONS,
        'Is that the newest',
        asked.slice(asked.indexOf('keyset api'), asked.indexOf('[y/N]') + 5),
      );
      await typed(machine, `${takeOver} --yes; systemctl start jwtrot.timer`);
      expect(await machine.run(`python3 -c '${VERIFY}'`, token)).toMatchObject({ code: 0 });
      await machine.must(RESTART_TRAFFIC);
      await typed(machine, 'jwtrot-run rotate --immediate');
      await expectNoneRejected(machine);
      await expectNoneRejected(former);
    });

    it('that is lost is followed by the next one, from its last backup', async () => {
      const lost = hosts.at('id2');
      const machine = hosts.at('id1');
      await typed(lost, `rm ${COPY}; ${backUp[0]}; ${backUp[1]}`);
      const token = await lost.must(`python3 -c '${MINT}'`);
      await machine.must(`rm ${COPY}`);
      await carry(lost, machine, COPY);
      await lost.powerOff();
      await typed(machine, 'mv /var/lib/jwtrot/store /var/lib/jwtrot/store.id1');
      await machine.must('mv /mnt/backup/kek /root/kek');
      let said = '';
      for (const step of restore.slice(1)) said = await typed(machine, step);
      expect(said).toContain('next: jwtrot-run rotate --take-over (it belongs to host "id2")');
      await typed(machine, 'jwtrot-run rotate --take-over; systemctl start jwtrot.timer');
      expect(await machine.run(`python3 -c '${VERIFY}'`, token)).toMatchObject({ code: 0 });
      await expectNoneRejected(machine);
    });
  });

  describe('a newer version, and none for a while', () => {
    it('rejects no token: services go on with the keys that they have', async () => {
      const machine = hosts.at('id1');
      const [stop = '', , ...upgrade] = OPERATIONS.commands('Upgrading');
      for (const command of [stop, INSTALL, ...upgrade]) await typed(machine, command);
      for (const command of OPERATIONS.commands('Uninstalling').slice(0, 2)) await typed(machine, command);
      expect((await machine.run('command -v jwtrot jwtrot-run')).stdout).toBe('');
      await typed(machine, `${INSTALL}; jwtrot setup systemd`);
      expect(await typed(machine, 'jwtrot-run rotate --immediate')).toMatch(/^api: rotated; /m);
      await expectNoneRejected(machine);
    });
  });

  describe('a KEK', () => {
    it('that is lost is replaced, and so is the key', async () => {
      const machine = hosts.at('id1');
      await machine.must('rm /etc/credstore.encrypted/jwtrot-kek');
      for (const command of OPERATIONS.commands('Restoring').slice(5)) await typed(machine, command);
      const { keys } = await status(machine);
      expect(keys.filter(({ state }) => state === 'pending')).toHaveLength(1);
      // Its active key is wrapped under the KEK that is gone: it is restored all the same.
      await typed(machine, `rm ${COPY}; ${backUp[0]}; ${backUp[1]}; rm -r /var/lib/jwtrot/store`);
      expect(await typed(machine, restore.at(-1) ?? '')).toContain(
        'next: jwtrot-run rotate (this host and its outlets know of nothing',
      );
      await typed(machine, 'jwtrot-run rotate');
      await expectNoneRejected(machine);
    });
  });

  describe('the pages', () => {
    it('show nothing that was not printed here', () => {
      expect([...OPERATIONS.uncompared(), ...RECOVERY.uncompared()]).toEqual([]);
    });
  });
}
