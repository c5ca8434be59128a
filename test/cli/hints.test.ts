import { describe, expect, it } from 'vitest';
import { hintHere } from '../../src/cli/output/hints.js';

const SERVER = { env: { STATE_DIRECTORY: '/var/lib/jwtrot' } };
const installed = () => true;

describe('a hint', () => {
  it('names the command that works on a server, with files by standard input', () => {
    expect(hintHere('adopt it: jwtrot import --pem FILE (or --jwk FILE)', SERVER, installed)).toBe(
      'adopt it: jwtrot-run import --pem - < FILE (or --jwk - < FILE)',
    );
    expect(hintHere('jwtrot status shows it; jwtrot rotate goes on', SERVER, installed)).toBe(
      'jwtrot-run status shows it; jwtrot-run rotate goes on',
    );
  });

  it('leaves what is not run there: setup, and units of that name', () => {
    for (const hint of ['jwtrot setup systemd again', 'systemctl start jwtrot.service', 'upgrade jwtrot on this host'])
      expect(hintHere(hint, SERVER, installed)).toBe(hint);
  });

  it('stays as it is elsewhere', () => {
    const hint = 'jwtrot import --pem FILE';
    expect(hintHere(hint, { env: {} }, installed)).toBe(hint);
    expect(hintHere(hint, SERVER, () => false)).toBe(hint);
  });
});
