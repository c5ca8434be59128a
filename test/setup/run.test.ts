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
function run(args: readonly string[], unit: string | null, uid = 0) {
  writeFileSync(join(bin, 'unit'), unit ?? '');
  program('id', `echo ${uid}`);
  program('systemctl', unit === null ? 'echo "No files found for jwtrot.service." >&2; exit 1' : `cat ${bin}/unit`);
  program('systemd-run', `printf '%s\\n' "$@"; exit 4`);
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

  it('tells others to use sudo', () => {
    const { status, stderr } = run(['status', '--check'], UNIT, 1000);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'jwtrot-run: needs root: sudo jwtrot-run status --check\n',
    });
  });
});
