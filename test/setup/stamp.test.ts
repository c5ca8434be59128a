import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Configuration } from '../../src/config/configuration.js';
import { ageNote, deniedHint, setupAge } from '../../src/setup/age.js';
import { setupFacts } from '../../src/setup/facts.js';
import { systemdFiles } from '../../src/setup/render.js';
import { readTemplates } from '../../src/setup/templates.js';
import { configuration, verifier } from './configuration.js';

const SOURCE = '/etc/jwtrot/jwtrot.yaml';
const COMMAND = 'jwtrot setup systemd';
const gateway = verifier('gateway', { systemd: 'gateway.service' });

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwtrot-stamp-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a run finds where setup wrote its drop-in from `installed`. */
async function ageOf(now: Configuration, installed: Configuration) {
  const path = join(folder, 'drop-in');
  const files = systemdFiles(setupFacts(installed, SOURCE), readTemplates());
  writeFileSync(path, files.find((file) => file.path.endsWith('20-jwtrot-configuration.conf'))?.text ?? '');
  chmodSync(path, 0o644);
  return setupAge({ ...now, source: SOURCE }, [
    [join(folder, 'none'), 'nothing'],
    [path, COMMAND],
  ]);
}

describe('what setup wrote', () => {
  it('fits the configuration that it was written from, also when only a policy has changed', async () => {
    const installed = await configuration({ services: [gateway] });
    const age = await ageOf(await configuration({ services: [gateway] }), installed);
    expect(age).toEqual({ command: COMMAND, isOld: false });
    expect(ageNote({ ...installed, source: SOURCE }, age)).toBe(null);
  });

  it.each([
    ['another unit', { services: [gateway, verifier('web', { systemd: 'web.service' })] }],
    ['another action', { services: [verifier('gateway', { systemd: 'gateway.service', action: 'restart' })] }],
    ['another directory', { services: [gateway], publish: [{ file: '/srv/jwks/jwks.json' }] }],
    ['another group', { services: [gateway], deliver: [{ file: '/run/jwtrot/a.pem', group: 'issuer', mode: '0440' }] }],
    ['another KEK', { services: [gateway], wrap: { type: 'local', kek: { credential: 'kek' } } }],
  ])('is older than a configuration with %s', async (_, changed) => {
    const now = await configuration(changed);
    const age = await ageOf(now, await configuration({ services: [gateway] }));
    expect(age).toEqual({ command: COMMAND, isOld: true });
    expect(ageNote({ ...now, source: SOURCE }, age)).toMatch(
      /^\/etc\/jwtrot\/jwtrot\.yaml or jwtrot is newer than what `jwtrot setup systemd` wrote .* sudo jwtrot setup systemd$/,
    );
    expect(age === null ? null : deniedHint(age)).toBe(
      'sudo jwtrot setup systemd (the rule is older than the configuration)',
    );
  });

  it('says nothing about another configuration', async () => {
    const one = await configuration({});
    await ageOf(one, one);
    expect(await setupAge({ ...one, source: '/srv/other.yaml' }, [[join(folder, 'drop-in'), COMMAND]])).toBe(null);
    expect(await setupAge({ ...one, source: null })).toBe(null);
  });
});
