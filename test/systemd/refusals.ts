import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Machine, Ran } from './machine.js';

const KEK = '/etc/jwtrot/refused-kek';
const FILE = '/etc/jwtrot/refused.yaml';

interface Case {
  readonly what: string;
  readonly configuration: object;
  readonly before: string;
  readonly after?: string;
  readonly code: number;
  readonly says: RegExp;
}

const BASE = {
  store: { type: 'directory', path: '/var/lib/jwtrot/refused' },
  wrap: { type: 'local', kek: { file: KEK } },
  keysets: { api: { alg: 'ES256', maxTokenTtl: '1h' } },
};
const delivering = (group: string) => ({
  ...BASE,
  keysets: { api: { ...BASE.keysets.api, deliver: [{ file: '/run/jwtrot/a.jwk', group, mode: '0440' }] } },
});
const raw = `head -c 32 /dev/urandom > ${KEK}`;
const NO_KEK = `rm -f ${KEK}`;

const CASES: readonly Case[] = [
  {
    what: 'a group that is not there',
    configuration: delivering('isuer'),
    before: NO_KEK,
    code: 2,
    says: /there is no group isuer in \/etc\/group; nothing was changed\nhint: .*groupadd --system isuer\n/,
  },
  {
    what: 'a KEK of root’s',
    configuration: BASE,
    before: `${raw}; chmod 600 ${KEK}`,
    code: 5,
    says: /user jwtrot can't read the KEK .*: it belongs to user 0; nothing was changed\nhint: chown jwtrot: \S+\n/,
  },
  {
    what: 'a KEK that others may read',
    configuration: BASE,
    before: `${raw}; chown jwtrot ${KEK}; chmod 640 ${KEK}`,
    code: 5,
    says: /can't read the KEK .*: its mode is 0640; nothing was changed\nhint: chmod 0600 /,
  },
  {
    what: 'a KEK that is a link',
    configuration: BASE,
    before: `ln -s /etc/shadow ${KEK}`,
    code: 5,
    says: /can't read the KEK .*: it is no regular file/,
  },
  {
    what: 'a KEK behind a directory that user jwtrot may not enter',
    configuration: { ...BASE, wrap: { type: 'local', kek: { file: '/srv/closed/kek' } } },
    before: `${NO_KEK}; install -d -m 0700 /srv/closed; install -o jwtrot -m 0600 /dev/null /srv/closed/kek`,
    after: 'rm -r /srv/closed',
    code: 5,
    says: /can't read the KEK \/srv\/closed\/kek: that user may not enter a directory on the way/,
  },
  {
    what: 'a credential of another host',
    configuration: { ...BASE, wrap: { type: 'local', kek: { credential: 'other-kek' } } },
    before:
      'install -m 0600 /dev/null /etc/credstore.encrypted/other-kek; echo bm8= > /etc/credstore.encrypted/other-kek',
    after: 'rm /etc/credstore.encrypted/other-kek',
    code: 5,
    says: /can't read the KEK .*: systemd-creds can't decrypt it: .*\nhint: encrypt its backup for this host: /,
  },
  {
    what: 'a store that others could put elsewhere',
    configuration: { ...BASE, store: { type: 'directory', path: '/srv/open/store' } },
    before: `${NO_KEK}; install -d -m 0777 /srv/open`,
    after: 'rm -r /srv/open',
    code: 5,
    says: /\/srv\/open can be written by others, who could change what setup writes there/,
  },
  {
    what: 'a unit of somebody else’s in its place',
    configuration: BASE,
    before: `${NO_KEK}; cp /etc/systemd/system/jwtrot.timer /run/kept; echo "[Timer]" > /etc/systemd/system/jwtrot.timer`,
    after: 'cp /run/kept /etc/systemd/system/jwtrot.timer',
    code: 5,
    says: /jwtrot\.timer was not written by jwtrot setup; nothing was changed/,
  },
];

/** What a dry run must find as well: it exits as the real run does, and nothing is changed by either. */
export function describeRefusals(at: () => Machine): void {
  describe('setup refuses, with --dry-run as well,', () => {
    it.each(CASES)('$what', async ({ configuration, before, after, code, says }) => {
      const machine = at();
      await machine.must(`${before}; cat > ${FILE}`, stringify(configuration));
      const tree = () => machine.must('find /etc /usr/local /srv -printf "%p %m %u %s %T@\\n" | sort');
      const kept = await tree();
      const runs: Ran[] = [];
      for (const option of ['--dry-run', '']) runs.push(await machine.run(`jwtrot setup systemd -c ${FILE} ${option}`));
      expect(await tree()).toBe(kept);
      for (const ran of runs) expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(says) });
      await machine.must(`rm -f ${KEK} ${FILE}; ${after ?? 'true'}`);
    });

    it('nothing of a configuration for another host', async () => {
      const machine = at();
      await machine.must(`cat > ${FILE}`, stringify(delivering('isuer')));
      expect((await machine.run(`jwtrot setup systemd -c ${FILE} --dry-run --other-host`)).code).toBe(0);
      await machine.must(`rm ${FILE}`);
    });
  });

  describe('setup notes', () => {
    it('a unit that is misspelt, and one that can’t be reloaded', async () => {
      const machine = at();
      const services = ['isuer', 'no-reload'].map((name) => ({
        name,
        role: 'verifier',
        reload: { systemd: `${name}.service` },
      }));
      const configuration = { ...BASE, keysets: { api: { ...BASE.keysets.api, services } } };
      await machine.must(`cat > ${FILE}`, stringify(configuration));
      const { code, stderr } = await machine.run(`jwtrot setup systemd -c ${FILE} --dry-run`);
      expect(code).toBe(0);
      expect(stderr).toMatch(/note: there is no unit isuer\.service on this host.*did you mean "?issuer\.service/);
      expect(stderr).toMatch(/note: unit no-reload\.service has no ExecReload=: .*action: restart/);
      await machine.must(`rm ${FILE}`);
    });
  });
}
