import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setupFacts } from '../../src/setup/facts.js';
import { readerLines, readerSettings, readersOf, takeBack } from '../../src/setup/readers.js';
import { systemdFiles } from '../../src/setup/render.js';
import { readTemplates } from '../../src/setup/templates.js';
import { World } from '../e2e/world.js';
import { configuration } from './configuration.js';

describe('a group that may look', () => {
  it('gets manifests and what the host remembers, and passes through the state directory', async () => {
    const readers = readersOf('ops', await configuration({}));
    expect(readerSettings(readers).slice(1)).toEqual(['UMask=0027', 'StateDirectoryMode=0711']);
    expect(readerLines(readers)).toEqual([
      'z /var/lib/jwtrot 0711 jwtrot jwtrot -',
      'd /var/lib/jwtrot/store 2750 jwtrot ops -',
      'd /var/lib/jwtrot/records 2750 jwtrot ops -',
      'z "/var/lib/jwtrot/store/*" 2750 jwtrot ops -',
      'z "/var/lib/jwtrot/store/*/manifest" 2750 jwtrot ops -',
      'z "/var/lib/jwtrot/store/*/manifest/*.json" 0640 jwtrot ops -',
      'z "/var/lib/jwtrot/records/*" 2750 jwtrot ops -',
      'z "/var/lib/jwtrot/records/*/*.json" 0640 jwtrot ops -',
    ]);
  });

  it('is named once for a directory elsewhere, whose name is no pattern', async () => {
    const store = { type: 'directory', path: '/srv/a*b/store' };
    const value = await configuration({ store });
    const facts = { ...setupFacts(value, '/etc/jwtrot/jwtrot.yaml'), readers: readersOf('ops', value) };
    const text = systemdFiles(facts, readTemplates()).find(({ path }) => path.endsWith('tmpfiles.d/jwtrot.conf'))?.text;
    const lines = (text ?? '').split('\n').filter((line) => line.includes('/srv/'));
    expect(lines.filter((line) => line.startsWith('d '))).toEqual([
      'd "/srv/a*b/outlets" :0700 :jwtrot :jwtrot -',
      'd "/srv/a*b/store" 2750 jwtrot ops -',
      'd "/srv/a*b/records" 2750 jwtrot ops -',
    ]);
    expect(lines).toContain(String.raw`z "/srv/a\\*b/store/*/manifest" 2750 jwtrot ops -`);
  });

  it('loses all of it again by user jwtrot’s own hand, not by root’s', async () => {
    const step = takeBack(readersOf('ops', await configuration({})));
    expect(step).toEqual([
      ...['setpriv', '--reuid=jwtrot', '--regid=jwtrot', '--clear-groups', 'sh', '-c'],
      expect.stringContaining('chmod -R g=,g-s'),
      ...['/var/lib/jwtrot', '/var/lib/jwtrot/store', '/var/lib/jwtrot/records'],
    ]);
  });
});

describe('setup systemd --readers', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
    // `setup` reads the templates that lie beside the command.
    world.eachAProcess = true;
  });
  afterEach(() => world.close());

  it('is refused for a store that is no directory', async () => {
    world.configure({
      store: { type: 'secrets-manager' },
      wrap: { type: 'kms', keyId: 'alias/jwtrot' },
      keysets: { api: { maxTokenTtl: '1h' } },
    });
    const { code, stderr } = await world.run(['setup', 'systemd', '--dry-run', '--other-host', '--readers', 'ops']);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('this one is in secrets-manager'),
    });
  });

  it('is shown by a dry run', async () => {
    world.configure({
      store: { type: 'directory', path: '/var/lib/jwtrot/store' },
      keysets: { api: { maxTokenTtl: '1h' } },
    });
    const look = ['setup', 'systemd', '--dry-run', '--other-host'];
    expect((await world.run([...look, '--readers', 'ops'])).stdout).toContain('UMask=0027');
    expect((await world.run(look)).stdout).not.toContain('UMask=0027');
  });
});
