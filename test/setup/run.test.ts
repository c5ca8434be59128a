import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const RUN = fileURLToPath(new URL('../../systemd/jwtrot-run', import.meta.url));
const UNIT = String.raw`# /etc/systemd/system/jwtrot.service
[Unit]
Description=User=nobody
OnFailure=jwtrot-failure@%n.service

[Service]
Type=oneshot
ExecStart=jwtrot rotate
TimeoutStartSec=1h
# /etc/systemd/system/jwtrot.service.d/10-jwtrot-sandbox.conf
[Service]
User = jwtrot
CapabilityBoundingSet=
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
; a comment
  # another
Environment="A=b c" \
  D=e
SuccessExitStatus=75 143
OpenFile=/run/systemd/notify:jwtrot-status:graceful
# /etc/systemd/system/jwtrot.service.d/override.conf
[Service]
MemoryMax=1G
[Install]
WantedBy=multi-user.target
`;

let bin = '';
beforeAll(() => {
  bin = mkdtempSync(join(tmpdir(), 'jwtrot-run-'));
});
afterAll(() => rmSync(bin, { recursive: true }));

function program(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** The words that systemd-run got. */
function run(args: readonly string[], unit: string | null, { uid = 0, exit = 4 } = {}) {
  writeFileSync(join(bin, 'unit'), unit ?? '');
  program('id', `echo ${uid}`);
  program('systemctl', unit === null ? 'echo "No files found for jwtrot.service." >&2; exit 1' : `cat ${bin}/unit`);
  program('systemd-run', `printf '%s\\n' "$@"; exit ${exit}`);
  const { status, stdout, stderr } = spawnSync('/bin/sh', [RUN, ...args], {
    encoding: 'utf8',
    env: { PATH: `${bin}:/usr/bin:/bin` },
  });
  return { status, words: stdout.split('\n'), stderr };
}

describe('jwtrot-run', () => {
  it('gives systemd-run the settings of the unit with its drop-ins, and nothing of its own start', () => {
    const { status, words } = run(['retire', '--kid', 'a b', '*'], UNIT);
    expect(status).toBe(4);
    expect(words.filter((word) => word.startsWith('--property='))).toEqual([
      '--property=User=jwtrot',
      '--property=CapabilityBoundingSet=',
      '--property=SystemCallFilter=@system-service',
      '--property=SystemCallFilter=~@privileged @resources',
      '--property=Environment="A=b c"    D=e',
      '--property=MemoryMax=1G',
    ]);
    expect(words.slice(words.indexOf('--'))).toEqual(['--', 'jwtrot', 'retire', '--kid', 'a b', '*', '']);
    expect(words).toEqual(expect.arrayContaining(['--wait', '--pipe', '--pty', '--collect']));
  });

  it('runs nothing as root where there is no unit, or one without a user', () => {
    expect(run(['rotate'], null)).toMatchObject({ status: 1, words: [''] });
    expect(run(['rotate'], '[Service]\nExecStart=jwtrot rotate\n')).toMatchObject({
      status: 2,
      words: [''],
      stderr: expect.stringContaining('names no user'),
    });
  });

  it('takes specifiers, comments and lines that go on as systemd does', () => {
    const unit = (lines: string) => `[Service]\nUser=jwtrot\n${lines}\n`;
    const properties = (lines: string) =>
      run(['rotate'], unit(lines))
        .words.filter((word) => word.startsWith('--property='))
        .slice(1);
    expect(properties('ReadWritePaths="-/srv/100%% %S/a %n %t"\nCPUQuota=20%')).toEqual([
      '--property=ReadWritePaths="-/srv/100% /var/lib/a jwtrot.service /run"',
      '--property=CPUQuota=20%',
    ]);
    expect(properties('# no path of mine: C:\\\nMemoryMax=1G')).toEqual(['--property=MemoryMax=1G']);
    expect(properties('Environment=A=1 \\\n# in between\n  B=2\nMemoryMax=1G')).toEqual([
      '--property=Environment=A=1    B=2',
      '--property=MemoryMax=1G',
    ]);
    expect(properties('ReadWritePaths=-/a\\\\\nMemoryMax=1G')).toEqual([
      '--property=ReadWritePaths=-/a\\\\',
      '--property=MemoryMax=1G',
    ]);
    expect(run(['rotate'], unit('ReadWritePaths=-/srv/%H'))).toMatchObject({
      status: 2,
      words: [''],
      stderr: 'jwtrot-run: %H is not known here, write out what it means: ReadWritePaths=-/srv/%H\n',
    });
  });

  it('hands words on that systemd would fill in', () => {
    const { words } = run(['retire', '--kid', '$HOME', '$A $$ %n\\', "it's"], UNIT);
    expect(words.slice(words.indexOf('--'))).toEqual([
      '--',
      'jwtrot',
      'retire',
      '--kid',
      '$$HOME',
      '$$A $$$$ %n\\',
      "it's",
      '',
    ]);
    expect(words).toContain("--description=jwtrot retire --kid $HOME $A $$ %n\\ it's");
  });

  it.each([
    [
      203,
      'systemd finds no jwtrot, or may not run it',
      'npm install -g jwtrot, for all users; then jwtrot setup systemd',
    ],
    [217, 'a user or a group that jwtrot.service names is not there', 'jwtrot setup systemd'],
    [
      226,
      'systemd could not set up what jwtrot.service asks for (status 226)',
      expect.stringMatching(/^systemd-analyze exit-status 226; journalctl -eu jwtrot-run-\d+$/),
    ],
    [
      243,
      'the credential /nowhere/jwtrot-kek is missing',
      'if it never was there: jwtrot setup systemd; else from its backup: systemd-creds encrypt --name=jwtrot-kek kek /nowhere/jwtrot-kek',
    ],
  ])('explains what systemd tells the journal alone: %d', (exit, why, hint) => {
    const unit = '[Service]\nUser=jwtrot\nLoadCredentialEncrypted=jwtrot-kek:/nowhere/jwtrot-kek\n';
    const { status, stderr } = run(['status'], unit, { exit });
    expect(status).toBe(exit);
    const [said, then, ...rest] = stderr.split('\n');
    expect(said).toBe(`jwtrot-run: jwtrot was not started: ${why}`);
    expect(then?.replace(/^hint: /, '')).toEqual(hint);
    expect(rest).toEqual(['']);
  });

  it('tells others to use sudo', () => {
    const { status, stderr } = run(['status', '--check'], UNIT, { uid: 1000 });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'jwtrot-run: needs root: sudo jwtrot-run status --check\n',
    });
  });
});
