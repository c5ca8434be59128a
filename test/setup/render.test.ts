import { describe, expect, it } from 'vitest';
import { cronFiles } from '../../src/setup/crontab.js';
import { type SetupFacts, setupFacts } from '../../src/setup/facts.js';
import { CRONTAB, RUN, SHARED_PATHS, SYSTEMD_PATHS } from '../../src/setup/paths.js';
import { systemdFiles } from '../../src/setup/render.js';
import { readTemplates } from '../../src/setup/templates.js';
import { configuration, signer, verifier } from './configuration.js';

const templates = readTemplates();
const facts = async (value: Parameters<typeof configuration>[0] = {}): Promise<SetupFacts> =>
  setupFacts(await configuration(value), '/etc/jwtrot/jwtrot.yaml');
const texts = (all: SetupFacts) => new Map(systemdFiles(all, templates).map((file) => [file.path, file.text]));
const UNIT = '/etc/systemd/system/jwtrot.service.d/20-jwtrot-configuration.conf';
const SYNC = '/etc/systemd/system/jwtrot-sync.service.d/20-jwtrot-configuration.conf';
const RULES = '/etc/polkit-1/rules.d/50-jwtrot.rules';

describe('units from a configuration', () => {
  it('are what the package ships, and a drop-in with what this configuration needs', async () => {
    const all = await facts({
      wrap: { type: 'local', kek: { credential: 'jwtrot-kek' } },
      publish: [{ file: '/srv/jwks/jwks.json' }],
      deliver: [{ file: '/run/jwtrot/api.jwk', group: 'issuer', mode: '0440' }],
      services: [signer('issuer', { systemd: 'issuer.service' }), verifier('gateway', { systemd: 'gateway.service' })],
    });
    const written = texts(all);
    expect(written.get('/etc/systemd/system/jwtrot.service')).toBe(templates['jwtrot.service']);
    // 3 min for the store, 5 times the verifier's 20 s, 3 times the signer's 20 s, and a minute.
    expect(written.get(UNIT)?.split('\n')).toEqual([
      '# Written by `jwtrot setup systemd` from /etc/jwtrot/jwtrot.yaml: run it again after each change there.',
      expect.stringMatching(/^# What follows from \/etc\/jwtrot\/jwtrot\.yaml: [0-9a-f]{16}$/),
      '[Service]',
      '# All deadlines of a run, and a minute.',
      'TimeoutStartSec=400s',
      'ReadWritePaths=-/run/jwtrot',
      'ReadWritePaths=-/srv/jwks',
      'SupplementaryGroups=issuer',
      'LoadCredentialEncrypted=jwtrot-kek:/etc/credstore.encrypted/jwtrot-kek',
      '',
    ]);
    expect(written.get(SYNC)).toContain('[Unit]\nBefore=gateway.service issuer.service\n\n[Service]\n');
    expect(written.get(SYNC)).not.toContain('TimeoutStartSec');
    expect(all.notes).toEqual([]);
  });

  it('never lie anywhere else than where removing looks for them', async () => {
    const all = await facts({ services: [verifier('gateway', { systemd: 'gateway.service' })] });
    const known = [...SYSTEMD_PATHS, ...SHARED_PATHS];
    for (const { path } of systemdFiles(all, templates)) expect(known).toContain(path);
    for (const { path } of cronFiles(all, templates, { keysets: [], splay: '1m' }))
      expect([CRONTAB, ...SHARED_PATHS]).toContain(path);
  });

  it('say by a mark who wrote them', async () => {
    const all = await facts({ services: [verifier('gateway', { systemd: 'gateway.service' })] });
    for (const { text } of systemdFiles(all, templates)) expect(text).toContain('Written by `jwtrot setup ');
    expect(systemdFiles(all, templates).find((file) => file.path === RUN)?.mode).toBe(0o755);
  });

  it('reach a store and outlets elsewhere, without taking directories over that are somebody else’s', async () => {
    const all = await facts({
      store: { type: 'directory', path: '/data/my keys/store' },
      publish: [
        { file: '/var/www/html/jwks.json' },
        { directory: '/etc/haproxy/jwt/', format: 'pem' },
        { command: ['/usr/bin/upload'] },
      ],
    });
    const written = texts(all);
    expect(written.get(UNIT)).toContain(
      'ReadWritePaths="-/data/my keys/store"\nReadWritePaths="-/data/my keys/outlets"\n',
    );
    expect(written.get('/etc/tmpfiles.d/jwtrot.conf')).toContain('d /var/www/html :0755 :jwtrot :jwtrot -\n');
    expect(written.get('/etc/tmpfiles.d/jwtrot.conf')).toContain('d /etc/haproxy/jwt :0755 :jwtrot :jwtrot -\n');
    expect(written.get(UNIT)).toContain('ReadWritePaths=-/etc/haproxy/jwt\n');
    expect(all.kekFile).toBe('/data/my keys/kek');
  });

  it('name another configuration than the usual one', async () => {
    const all = setupFacts(await configuration({}), '/srv/jwtrot 100%.yaml');
    expect(texts(all).get(UNIT)).toContain('Environment="JWTROT_CONFIG=/srv/jwtrot 100%%.yaml"\n');
  });
});

describe('what user jwtrot may do to units', () => {
  const rule = async (services: object[]): Promise<string | undefined> => texts(await facts({ services })).get(RULES);

  it('is exactly what is configured', async () => {
    const text = await rule([
      signer('issuer', { systemd: 'issuer.service', action: 'reload-or-restart' }),
      { ...verifier('api', { systemd: 'api@{name}.service' }), instances: [{ name: 'a' }, { name: 'b' }] },
      verifier('docker', { systemd: 'hup.service', action: 'start' }),
    ]);
    expect(judge(text, 'reload-or-restart', 'issuer.service')).toBe('yes');
    expect(judge(text, 'reload', 'api@a.service')).toBe('yes');
    expect(judge(text, 'start', 'hup.service')).toBe('yes');
    for (const [verb, unit] of [
      ['stop', 'issuer.service'],
      ['reload', 'issuer.service'],
      ['reload', 'api@c.service'],
      ['start', 'hup-service'],
      ['start', 'xhup.service'],
      ['reload', 'ssh.service'],
    ] as const)
      expect(judge(text, verb, unit), `${verb} ${unit}`).toBe('no');
    expect(judge(text, 'stop', 'ssh.service', 'root')).toBe('not handled');
    expect(judge(text, 'reload', 'api@a.service', 'jwtrot', 'org.freedesktop.login1.reboot')).toBe('not handled');
  });

  it('is any instance of one template where instances are listed later, and never any unit at all', async () => {
    const dns = { dns: 'api.internal', port: 80 };
    const text = await rule([{ ...verifier('api', { systemd: 'api@{name}.service' }), instances: dns }]);
    expect(judge(text, 'reload', 'api@10.0.0.7.service')).toBe('yes');
    expect(judge(text, 'reload', 'api@x@y.service')).toBe('no');
    const all = await facts({ services: [{ ...verifier('any', { systemd: '{name}.service' }), instances: dns }] });
    expect(all.permissions).toEqual([]);
    expect(all.notes).toEqual([expect.stringContaining('may come to mean any unit')]);
    expect(texts(all).has(RULES)).toBe(false);
  });
});

describe('a crontab', () => {
  it('has one silent line, spread over time, with the places of the unit', async () => {
    const [crontab] = cronFiles(await facts(), templates, { keysets: ['api', 'web'], splay: '30m' });
    expect(crontab?.path).toBe(CRONTAB);
    expect(crontab?.text).toContain('STATE_DIRECTORY=/var/lib/jwtrot\n');
    expect(crontab?.text).toContain(
      '\n0 * * * * jwtrot env -u NODE_OPTIONS -u OPENSSL_CONF -u NODE_EXTRA_CA_CERTS -u NODE_CHANNEL_FD jwtrot rotate --quiet --splay 30m --keyset api --keyset web >/dev/null\n',
    );
  });
});

describe('what neither this user nor this sandbox can do', () => {
  it('is said, with what to do instead', async () => {
    const { notes } = await facts({
      deliver: [{ file: '/run/jwtrot/api.pem', owner: 'issuer' }],
      services: [signer('issuer', { signal: 'HUP', pidFile: '/run/issuer.pid' })],
    });
    expect(notes).toEqual([
      expect.stringMatching(/^service issuer is reloaded by a signal, .* use reload: \{ systemd: UNIT \}$/),
      expect.stringMatching(/^\/run\/jwtrot\/api\.pem is to belong to issuer, .* use group:/),
    ]);
  });
});

/** The rule, as polkit runs it. */
function judge(
  text: string | undefined,
  verb: string,
  unit: string,
  user = 'jwtrot',
  id = 'org.freedesktop.systemd1.manage-units',
): string {
  type Rule = (action: object, subject: object) => string;
  const rules: Rule[] = [];
  const polkit = {
    Result: { YES: 'yes', NO: 'no', NOT_HANDLED: 'not handled' },
    addRule: (rule: Rule) => rules.push(rule),
  };
  new Function('polkit', text ?? '')(polkit);
  const details: Readonly<Record<string, string>> = { verb, unit };
  const [rule] = rules;
  return rule?.({ id, lookup: (name: string) => details[name] }, { user }) ?? 'no rule';
}
