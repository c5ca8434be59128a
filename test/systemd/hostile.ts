import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { cronFiles } from '../../src/setup/crontab.js';
import { type SetupFacts, setupFacts } from '../../src/setup/facts.js';
import { systemdFiles } from '../../src/setup/render.js';
import { readTemplates } from '../../src/setup/templates.js';
import { configuration } from '../setup/configuration.js';
import { hostilePaths } from '../setup/hostile.js';
import { type Machine, until } from './machine.js';

const PATHS = hostilePaths(7, 60);
const UNIT = '/run/systemd/system/hostile.service';
const OBJECT = '/org/freedesktop/systemd1/unit/hostile_2eservice org.freedesktop.systemd1.Service';

async function factsOf(paths: Partial<SetupFacts>): Promise<SetupFacts> {
  return { ...setupFacts(await configuration({}), '/etc/jwtrot/jwtrot.yaml'), isDefaultSource: false, ...paths };
}

const textOf = (files: readonly { path: string; text: string }[], end: string) =>
  files.find(({ path }) => path.endsWith(end))?.text ?? '';

/** What the formats' own programs make of odd paths. */
export function describeHostile(at: () => Machine): void {
  describe('odd paths', () => {
    it('are to systemd what they are', async () => {
      const machine = at();
      const [source = ''] = PATHS;
      const files = systemdFiles(await factsOf({ source, outlets: PATHS }), readTemplates());
      const service = '[Service]\nType=oneshot\nExecStart=env -0\nStandardOutput=truncate:/run/hostile.env\n';
      await machine.must(`mkdir ${UNIT}.d; cat > ${UNIT}`, service);
      const dropIn = textOf(files, 'jwtrot.service.d/20-jwtrot-configuration.conf');
      await machine.must(`cat > ${UNIT}.d/20-jwtrot-configuration.conf; systemctl daemon-reload`, dropIn);
      expect(await machine.run('systemd-analyze verify hostile.service 2>&1')).toMatchObject({ code: 0, stdout: '' });
      const property = (name: string) =>
        machine.must(`busctl --json=short get-property org.freedesktop.systemd1 ${OBJECT} ${name}`);
      expect((JSON.parse(await property('ReadWritePaths')) as { data: string[] }).data).toEqual(
        PATHS.map((path) => `-${path}`),
      );
      await machine.must('systemctl start hostile');
      const environment = (await machine.must('cat /run/hostile.env')).split('\0');
      expect(environment).toContain(`JWTROT_CONFIG=${source}`);
      await machine.must(`rm -r ${UNIT} ${UNIT}.d; systemctl daemon-reload`);
    });

    it('are directories that systemd-tmpfiles makes', async () => {
      const machine = at();
      const text = textOf(systemdFiles(await factsOf({ outlets: PATHS }), readTemplates()), 'tmpfiles.d/jwtrot.conf');
      await machine.must('cat > /run/hostile-tmpfiles.conf', text);
      expect(await machine.must('systemd-tmpfiles --create --dry-run /run/hostile-tmpfiles.conf 2>&1')).not.toMatch(
        /fail|invalid|ignor/i,
      );
      expect(await machine.run('systemd-tmpfiles --create /run/hostile-tmpfiles.conf')).toMatchObject({
        code: 0,
        stderr: '',
      });
      const look =
        'import json,os,pwd,sys; print(json.dumps([p for p in json.load(sys.stdin) if not os.path.isdir(p) or pwd.getpwuid(os.stat(p).st_uid).pw_name != "jwtrot"]))';
      expect(await machine.must(`python3 -c '${look}'`, JSON.stringify(PATHS))).toBe('[]\n');
      await machine.must('rm -r /srv/* /-; mkdir -p /srv/jwks; systemd-tmpfiles --create /etc/tmpfiles.d/jwtrot.conf');
    });

    it('are what cron hands to its job', async () => {
      const machine = at();
      const facts = await factsOf({});
      const odd = PATHS.filter((path) => !path.endsWith(' ')).slice(0, 40);
      const tables = odd.map((source) =>
        textOf(cronFiles({ ...facts, source }, readTemplates(), { keysets: [], splay: '1m' }), 'cron.d/jwtrot'),
      );
      const write =
        'import json,os,sys\nfor i, text in enumerate(json.load(sys.stdin)): open(f"/etc/cron.d/odd{i}", "w").write(text.replace("jwtrot sync --quiet >/dev/null", f"env -0 > /run/odd/{i}.part; mv /run/odd/{i}.part /run/odd/{i}"))';
      await machine.must('install -d -o jwtrot /run/odd; systemctl stop cron; rm -f /run/crond.reboot');
      await machine.must(`python3 -c '${write}'; systemctl start cron`, JSON.stringify(tables));
      const count = async () => Number(await machine.must('ls /run/odd | grep -vc part || true'));
      await until(async () => (await count()) === odd.length, 'cron has run them all', 30_000);
      for (const [i, source] of odd.entries())
        expect((await machine.must(`cat /run/odd/${i}`)).split('\0')).toContain(`JWTROT_CONFIG=${source}`);
      await machine.must('rm -r /etc/cron.d/odd* /run/odd');
    });

    it('are the paths of a configuration, a store and outlets that work', async () => {
      const machine = at();
      const odd = `/srv/100% %n $HOME "x" 'y' \\ #;`;
      const text = stringify({
        store: { type: 'directory', path: `${odd}/state/store` },
        keysets: { odd: { alg: 'ES256', maxTokenTtl: '1h', publish: [{ file: `${odd}/jwks\\/jwks.json` }] } },
      });
      const shell = `'${odd.replaceAll("'", `'\\''`)}'`;
      await machine.must(`mkdir -p ${shell}; cat > ${shell}/jwtrot.yaml`, text);
      await machine.must(`jwtrot setup systemd --config ${shell}/jwtrot.yaml`);
      expect(await machine.must('jwtrot-run rotate')).toContain('odd: rotated; active v1 ');
      await machine.must('systemctl start jwtrot.service jwtrot-sync.service');
      expect(await machine.must(`cat ${shell}/jwks\\\\/jwks.json`)).toContain('"kid"');
      expect(await machine.must(`stat -c "%U %a" ${shell}/state/kek`)).toBe('jwtrot 600\n');
      await machine.must(`jwtrot setup systemd; rm -r ${shell}`);
    });
  });

  describe('a directory of user jwtrot’s', () => {
    it('gets a KEK from root, and user jwtrot gets nothing else by it', async () => {
      const machine = at();
      const text = stringify({
        store: { type: 'directory', path: '/var/lib/jwtrot/swap' },
        wrap: { type: 'local', kek: { file: '/srv/swap/kek' } },
        keysets: { swap: { alg: 'ES256', maxTokenTtl: '1h' } },
      });
      await machine.must('cat > /etc/jwtrot/swap.yaml; install -d -o jwtrot -g jwtrot -m 0700 /srv/swap', text);
      // As soon as there is a KEK, its name is a link.
      const swap =
        'import os,time\nwhile True:\n  try:\n    os.symlink("/etc/shadow", "/srv/swap/link")\n  except FileExistsError: pass\n  if os.path.isfile("/srv/swap/kek") and not os.path.islink("/srv/swap/kek"): os.rename("/srv/swap/link", "/srv/swap/kek")';
      await machine.must(`cat > /run/swap.py; systemd-run --quiet --uid=jwtrot --unit=swap python3 /run/swap.py`, swap);
      for (let i = 0; i < 3; i += 1) {
        await machine.run('jwtrot --config /etc/jwtrot/swap.yaml setup cron');
        expect(await machine.must('stat -c "%U %G %a" /etc/shadow')).toBe('root shadow 640\n');
        await machine.must('rm -f /srv/swap/kek');
      }
      await machine.must('systemctl stop swap; jwtrot setup cron --uninstall; rm -r /srv/swap /etc/jwtrot/swap.yaml');
    });
  });
}
