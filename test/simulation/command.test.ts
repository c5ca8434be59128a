import { describe, expect, it } from 'vitest';
import { runScript } from '../support/run-script.js';
import { simulationOnce } from './bundled.js';
import { THEMES } from './themes.js';

const start = simulationOnce();
const simulate = (...args: string[]) => start(args).ended;

/** Among those that CI plays: no seed is played here that nobody has seen. */
const FROM = '3001';

describe('npm run simulate', () => {
  it('says at the head of a replay what the seed is about and played without', async () => {
    const args = ['--seed', '2000001', '--off', 'kill,retire', '--on', 'store'];
    const { stdout, exitCode } = await runScript('scripts/simulate.js', args).ended;
    const [theme, on, off, first] = stdout.split('\n');
    expect(theme).toBe(
      `seed 2000001, theme 2 of ${THEMES.length - 1}: retire of a pending or active key, runs stopped at any point`,
    );
    expect(on).toMatch(/^on: \w+ /);
    expect(off).toMatch(/^off: .*\bretire\b/);
    expect(off).toContain('kill');
    expect(first).toMatch(/^01-01T00:00:00\.000 \[0\] /);
    expect(exitCode).toBe(0);
  });

  it('plays these events alone, in a world without these parts', async () => {
    const { stdout } = await simulate('--seed', '1', '--only', '0,5w,9', '--without', 'api,skew');
    expect(stdout).toContain('[0] ');
    expect(stdout).toContain('[9] ');
    expect(stdout.match(/\[\d+\] /g)).toHaveLength(2);
    expect(stdout).not.toContain('api-1');
  });

  it('says that a seed has nothing to shrink', async () => {
    const { stdout, exitCode } = await simulate('--seed', '1', '--shrink');
    expect(stdout).toMatch(/\nseed 1 breaks nothing$/);
    expect(exitCode).toBe(0);
  });

  it('refuses kinds and options that there are not', async () => {
    const kind = await simulate('--seed', '1', '--off', 'kil');
    expect(kind.stderr).toMatch(/^there is no kind kil; there are store kms /);
    expect(kind.exitCode).toBe(2);
    const option = await simulate('--sed', '1');
    expect(option.stderr).toMatch(/^Unknown option '--sed'/);
    expect(option.exitCode).toBe(2);
    const theme = await simulate('--theme', 'canary', '--seeds', '3');
    expect(theme).toMatchObject({ stderr: '--theme takes a whole number, not canary', exitCode: 2 });
  });

  it('begins at a number of its own choice when it is to play for hours, and says it', async () => {
    // Over before it begins: what fresh seeds find is for whoever plays them.
    const { stdout } = await simulate('--hours', '0.000000001');
    expect(stdout).toMatch(/^from (\d{7}) on, for 0\.000000001 h: --from \1\n0 seeds, /);
  });

  it('plays for so many hours from where it is told to begin', async () => {
    const { stdout, exitCode } = await simulate('--hours', '0.0005', '--jobs', '1', '--from', FROM);
    const [first, ...sums] = stdout.split('\n');
    expect(first).toBe(`from ${FROM} on, for 0.0005 h: --from ${FROM}`);
    expect(sums.join('\n')).toMatch(/^\d+ seeds, .* 0 broken$/s);
    expect(exitCode).toBe(0);
  });

  it.each(['1', '2'])('ends with what it has played when it is interrupted, with %s threads', async (jobs) => {
    const { child, ended } = start(['--hours', '5', '--jobs', jobs, '--from', FROM]);
    child.stdout?.once('data', () => setTimeout(() => child.kill('SIGINT'), 3_000));
    const { stdout, exitCode } = await ended;
    expect(stdout).toMatch(/\n[1-9]\d* seeds, .* 0 broken$/s);
    expect(exitCode).toBe(0);
  });
});
