import { Argument, Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { assertValues, joinValues } from '../../src/cli/join-values.js';

function program(): Command {
  const whole = new Command('jwtrot').version('1').option('-k, --keyset <name>').option('--json');
  whole.command('retire').option('--kid <kid>').option('--key <file>').option('-y, --yes');
  whole.command('import').option('--pem <file>');
  whole.command('jwks').option('--pem');
  const store = whole.command('store');
  store.command('recover').option('--retired <kid>');
  whole.command('setup').addArgument(new Argument('<system>')).option('--splay <duration>');
  return whole;
}

const joined = (...argv: string[]) => joinValues(argv, program()).join(' ');

describe('a word behind an option that takes a value', () => {
  it.each(['-Vabcdefg', '-kabcdefg', '-cabcdefg', '-hxyzabcd', '--json', '--yes', '--version', '--', '-', 'plain'])(
    'is its value: %s',
    (value) => {
      expect(joined('retire', '--kid', value, '--yes')).toBe(`retire --kid=${value} --yes`);
      expect(joined('-k', value, 'retire', '--key', value)).toBe(`-k${value} retire --key=${value}`);
      expect(joined('retire', '--keyset', value)).toBe(`retire --keyset=${value}`);
      expect(joined('store', 'recover', '--retired', value)).toBe(`store recover --retired=${value}`);
    },
  );

  it('is none where the verb’s own option takes none', () => {
    expect(joined('import', '--pem', '-')).toBe('import --pem=-');
    expect(joined('jwks', '--pem', '-k', 'a')).toBe('jwks --pem -ka');
    expect(joined('retire', '--yes', '--kid', '-V')).toBe('retire --yes --kid=-V');
    expect(joined('--kid', '-V')).toBe('--kid -V');
  });

  it('stays what it is when it was joined before, comes last, or stands behind --', () => {
    expect(joined('retire', '--kid=-Vabc', '-kapi')).toBe('retire --kid=-Vabc -kapi');
    expect(joined('retire', '--kid')).toBe('retire --kid');
    expect(joined('retire', '--', '--kid', '-V')).toBe('retire -- --kid -V');
  });
});

describe('an option where another one’s value is due', () => {
  it('is refused: it was forgotten, and joined by hand it is meant', () => {
    const asserted =
      (...argv: string[]) =>
      () =>
        assertValues(argv, program());
    expect(asserted('retire', '--kid', '--json')).toThrow('--kid has no value: --json is an option itself');
    expect(asserted('store', 'recover', '--retired', 'a', '--retired', '--yes')).toThrow(/--retired has no value/);
    for (const argv of [['--kid=--json'], ['--kid', '--other'], ['--kid', '-Vabc'], ['--', '--kid', '--json']])
      expect(asserted('retire', ...argv)).not.toThrow();
  });
});
