import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { printCheck } from '../../src/cli/output/check.js';
import { Output } from '../../src/cli/output/output.js';
import { printResults } from '../../src/cli/output/results.js';
import { type KeysetStatus, statusTable } from '../../src/cli/output/status.js';
import { backedOff } from '../../src/keyset/transitions.js';
import { DAY, HOUR, rotated, type Story, staged, switching } from '../keyset/story.js';

function statusOf(story: Story): KeysetStatus {
  return { keyset: { name: 'api', policy: story.policy } as KeysetStatus['keyset'], manifest: story.known };
}

const opened = (story: Story) => ({ keysets: [statusOf(story).keyset], store: { description: 'here' } }) as never;

function table(story: Story): string {
  return statusTable([statusOf(story)], story.now, opened(story), new Chalk({ level: 0 }));
}

/** The row of this key: what is to become of it. */
function fateOf(story: Story, kid: string): string {
  const line = table(story)
    .split('\n')
    .find((one) => one.includes(` ${kid} `));
  return line?.slice(line.indexOf('ES256') + 5).trim() ?? 'no such row';
}

/** What is printed to standard output. */
function printed(print: (output: Output) => unknown): string {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  print(new Output({ env: {}, stdout, stderr: { write: () => {} } } as never, {}));
  return text;
}

function checked(story: Story): string {
  return printed((output) => printCheck([statusOf(story)], story.now, output));
}

function rolledBack(): Story {
  const story = rotated();
  story.now += HOUR;
  story.run({ rollback: 'k1' });
  return story;
}

describe('status', () => {
  it('shows a back-off while it runs, and whether it runs or not while a rollout is under way', () => {
    const story = rolledBack();
    expect(table(story)).toContain('api: 1 failed attempt (rolled back by hand); next attempt in 1h');
    story.now += HOUR;
    expect(table(story)).not.toContain('failed attempt');
    const waiting = staged();
    waiting.manifest = backedOff(waiting.known, 'gateway: no answer', waiting.now);
    waiting.now += 2 * HOUR;
    expect(table(waiting)).toContain('api: 1 failed attempt (gateway: no answer); next attempt with the next run');
  });

  it('says what becomes of a key that failed', () => {
    const story = rolledBack();
    expect(fateOf(story, 'k2')).toMatch(/^failed; retire in 8d /);
    expect(fateOf(story, 'k1')).toMatch(/^retry in 1h /);
  });

  it('says when signers are looked at once more, and that they are awaited before', () => {
    const story = switching();
    expect(fateOf(story, 'k1')).toBe('verifies; signers are awaited');
    story.mayReturn = true;
    story.step();
    story.manifest = { ...story.known, reloadsUntil: story.now + HOUR };
    expect(fateOf(story, 'k1')).toMatch(/^verifies; signers are looked at again in 1h /);
    expect(fateOf(story, 'k2')).toMatch(/^confirm in 1h /);
    story.now += HOUR;
    expect(fateOf(story, 'k1')).toBe('verifies; signers are looked at again with the next run');
  });
});

describe('the age of a key', () => {
  it('is since it first signed, whatever happened in between', () => {
    const story = rolledBack();
    expect(checked(story)).toMatch(/^JWTROT WARNING - api: backing off after 1 failed attempts \| 'api_age'=7779600s;/);
    story.now += 2 * DAY;
    expect(checked(story)).toMatch(
      /^JWTROT WARNING - api: active v1 is 92d 1h old, a rotation is overdue: .* 'api_age'=7952400s;/,
    );
    const { known: manifest, now } = story;
    const result = {
      name: 'api',
      actions: [],
      active: 'k1',
      outcome: 'nothing-due',
      exit: 0,
      problems: [],
      error: null,
    };
    const line = printed((output) =>
      printResults([{ ...result, manifest } as never], opened(story), { clock: { now: () => now } } as never, output),
    );
    expect(line).toMatch(/^api: nothing due; active v1 k1, 92d 1h old; next: /);
  });
});
