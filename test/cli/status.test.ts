import { describe, expect, it } from 'vitest';
import { printCheck } from '../../src/cli/output/check.js';
import type { KeysetStatus } from '../../src/cli/output/keyset-status.js';
import { Output } from '../../src/cli/output/output.js';
import { palette } from '../../src/cli/output/paint.js';
import { idleText, printResults } from '../../src/cli/output/results.js';
import { statusTable } from '../../src/cli/output/status.js';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import { NOTHING_ASKED } from '../../src/keyset/planning/action.js';
import { upcoming } from '../../src/keyset/questions/upcoming.js';
import { backedOff } from '../../src/keyset/transitions/all.js';
import { wouldBeHeldOff } from '../../src/rollout/rotate.js';
import { recordOnly } from '../keyset/incidents.js';
import { DAY, HOUR, rotated, type Story, settled, staged, switching } from '../keyset/story.js';

const PIPE = { color: palette(false), columns: Number.POSITIVE_INFINITY };

function statusOf(story: Story): KeysetStatus {
  return { keyset: { name: 'api', policy: story.policy } as KeysetStatus['keyset'], manifest: story.known };
}

const opened = (story: Story) => ({ keysets: [statusOf(story).keyset], store: { description: 'here' } }) as never;

function table(story: Story): string {
  return statusTable([statusOf(story)], story.now, opened(story), PIPE);
}

/** The row of this key: what is to become of it. */
function fateOf(story: Story, kid: string): string {
  const line = table(story)
    .split('\n')
    .find((one) => one.includes(` ${kid} `));
  return line?.slice(line.indexOf('ES256') + 5).trim() ?? 'no such row';
}

/** What is printed to standard output. */
function printed(print: (output: Output) => unknown, options: object = {}): string {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  print(new Output({ env: {}, stdout, stderr: { write: () => {} }, supervisor: null } as never, options));
  return text;
}

function checked(story: Story): string {
  return printed((output) => printCheck([statusOf(story)], story.now, output));
}

/** As `jwtrot` makes them. */
const WHOLE = ['TfENjoTRRtFSeoQAO8kshzc5iA7WYufltSJzUottd9k', 'kuN01Qut-IW6rOO_3AWB8KefD19AdOY0YWqEe5EMbXk'] as const;

function withWholeKids(story: Story): KeysetStatus {
  const text = JSON.stringify(story.known).replaceAll('"k1"', `"${WHOLE[0]}"`).replaceAll('"k2"', `"${WHOLE[1]}"`);
  return { ...statusOf(story), manifest: JSON.parse(text) as Story['known'] };
}

function rolledBack(): Story {
  const story = rotated();
  story.now += HOUR;
  story.run({ rollback: 'k1' });
  return story;
}

describe('status', () => {
  it.each([40, 44, 60, 80])(
    'has no line that is wider than a terminal of %d columns, but for a whole kid',
    (columns) => {
      const story = staged();
      const text = statusTable([withWholeKids(story)], story.now, opened(story), { color: palette(false), columns });
      const wide = text.split('\n').filter((line) => line.length > columns);
      // Alone in its line, from its first column on: the terminal breaks it, and who copies it gets all of it.
      expect(wide.map((line) => line.replace(',', ''))).toEqual(columns < 43 ? [WHOLE[1]] : []);
      for (const kid of WHOLE) expect(text).toContain(kid.slice(0, 8));
    },
  );

  it('shows a back-off while it runs, and whether it runs or not while a rollout is under way', () => {
    const story = rolledBack();
    expect(table(story)).toContain('api: rolled back by hand; next attempt in 1h');
    story.now += HOUR;
    expect(table(story)).not.toContain('rolled back by hand');
    const waiting = staged();
    waiting.manifest = backedOff(waiting.known, 'gateway: no answer', waiting.now);
    waiting.now += 2 * HOUR;
    expect(table(waiting)).toContain('api: 1 failed attempt (gateway: no answer); next attempt with the next run');
  });

  it('says who holds the lease, and that one who is gone, or whose time is over, does not', () => {
    const story = rotated();
    const owner = { host: 'a', hostname: 'alpha', bootId: 'b', pidNamespace: 'n', pid: 42, startTime: '1' };
    const lease = { id: 'x', owner, verb: 'rotate', since: story.now, until: story.now + HOUR };
    story.manifest = { ...story.known, lease };
    const shown = (isFree: boolean) => statusTable([{ ...statusOf(story), isFree }], story.now, opened(story), PIPE);
    expect(shown(false)).toContain('api: rotate (pid 42) holds the lease, at most 1h more');
    expect(shown(true)).toContain('api: rotate (pid 42) is not at work any more and has left its lease');
    story.now += HOUR;
    expect(shown(true)).toContain('api: rotate (pid 42) held the lease, which has run out');
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

/** As `rotate` names it in its last line. */
function lastLineOf(story: Story): string {
  const result = { name: 'api', manifest: story.known, outcome: 'nothing-due', problems: [], error: null, exit: 0 };
  const environment = { clock: { now: () => story.now }, env: {} } as never;
  return printed((output) => printResults([result] as never, opened(story), environment, output)).trim();
}

/** When the first of the rows' NEXT falls due. */
function firstDate(text: string): string {
  return (text.match(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g) ?? []).sort()[0] ?? 'none';
}

describe('NEXT, where several looks are owed', () => {
  const hastyAndBack = () => {
    const story = settled();
    story.now += DAY;
    story.run({ force: true, immediate: true });
    story.run({ rollback: 'k1' });
    story.manifest = { ...story.known, backoff: null };
    return story;
  };
  const leaked = () => {
    const story = rotated();
    story.retire('k1');
    return story;
  };
  const heldOff = () => {
    const story = switching();
    story.mayReturn = true;
    story.step();
    const backoff = { failures: 1, until: story.now + 2 * HOUR, because: 'issuer: no answer' };
    story.manifest = { ...story.known, reloadsUntil: story.now + HOUR, backoff };
    return story;
  };

  it.each([
    ['a key that was gone back from', hastyAndBack, 'confirm in 1h 1m'],
    ['a key that leaked', leaked, 'confirm in 1h 1m'],
    ['signers, while attempts back off', heldOff, 'in 2h'],
  ])('names the earliest date, the one of the last line of rotate: %s', (_, make, when) => {
    const story = make();
    expect(lastLineOf(story)).toContain(`; next: ${when.startsWith('in') ? 'retry ' : ''}${when} (`);
    const rows = table(story).split('\n').slice(1, 3).join('\n');
    const { at } = upcoming(story.known, story.policy, story.now) ?? { at: null };
    expect(firstDate(rows)).toBe(`${new Date(at ?? 0).toISOString().slice(0, 16).replace('T', ' ')} UTC`);
  });
});

describe('the age of a key', () => {
  it('is since it first signed, whatever happened in between', () => {
    const story = rolledBack();
    expect(checked(story)).toMatch(
      /^JWTROT WARNING - api: active v1 is 90d 1h old, rolled back by hand: .* \| 'api_age'=7779600s;/,
    );
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

  it('names no signing key from another history than this host knows: it may be the retired one', () => {
    const story = rotated();
    const { known: manifest, now } = story;
    const result = { name: 'api', actions: [], active: 'k2', outcome: 'retired', exit: 4, problems: [], error: null };
    const said = (options: object) =>
      printed(
        (output) =>
          printResults(
            [{ ...result, manifest, isOtherHistory: true } as never],
            opened(story),
            { clock: { now: () => now } } as never,
            output,
          ),
        options,
      );
    expect(said({})).toBe("api: retired; which key signs can't be told from this store\n");
    expect(JSON.parse(said({ json: true }))).toMatchObject({ keysets: [{ active: null, outcome: 'retired' }] });
  });
});

describe('what a run that failed says of the state', () => {
  it('is what it has seen: nothing, where it has seen no manifest', () => {
    const story = rotated();
    const said = (manifest: unknown) => {
      let text = '';
      const stderr = { write: (more: string) => (text += more) };
      const output = new Output({ env: {}, stdout: { write: () => {} }, stderr } as never, {});
      const error = new JwtrotError('store', 'store-full', 'the disk is full', { hint: 'df -h' });
      const result = { name: 'api', problems: [], outcome: 'failed', exit: 3, error, manifest };
      printResults([result as never], opened(story), { clock: { now: () => story.now } } as never, output);
      return text;
    };
    expect(said(null)).toBe('jwtrot: the disk is full\nhint: df -h\n');
    expect(said(story.known)).toContain('keyset api: v2 k2 signs; no rollout is under way');
  });
});

describe('status --check after a retirement', () => {
  const level = (story: Story) =>
    checked(story)
      .match(/^JWTROT (\w+) - api: (.*) \|/)
      ?.slice(1);

  it('is CRITICAL until every verifier has dropped the key, and not OK before they were looked at again', () => {
    const story = rotated();
    recordOnly(story, 'k1');
    expect(level(story)).toEqual(['CRITICAL', 'k1 is being retired and may still be accepted']);
    story.retire('k1');
    expect(level(story)).toEqual([
      'WARNING',
      expect.stringMatching(/^k1 was retired; verifiers are looked at once more in 1h /),
    ]);
    expect(table(story)).toContain('api: k1 was retired (compromised): verifiers are looked at again in 1h ');
    story.now += 4 * HOUR;
    expect(level(story)).toEqual([
      'CRITICAL',
      'k1 was retired; verifiers are looked at once more with the next run: jwtrot rotate',
    ]);
    story.run();
    expect(level(story)?.[0]).toBe('OK');
  });

  it('is CRITICAL again when the key came back', () => {
    const story = rotated();
    story.retire('k1');
    const keys = story.known.keys.map((key) => (key.kid === 'k1' ? { ...key, droppedAt: null } : key));
    story.manifest = { ...story.known, keys };
    expect(level(story)?.[0]).toBe('CRITICAL');
  });

  it('is WARNING while a cache may hold what leaked, where nobody could be asked', () => {
    const story = rotated();
    story.retire('k1');
    story.manifest = { ...story.known, retirements: [] };
    expect(level(story)).toEqual([
      'WARNING',
      expect.stringMatching(/^k1 was retired; a cache may hold it for 1h 1m more/),
    ]);
    story.now += 2 * HOUR;
    expect(level(story)?.[0]).toBe('OK');
  });

  it('is not held up by a key that expired', () => {
    const story = rotated();
    story.now += 9 * DAY;
    story.run();
    expect(story.states).toBe('k1: retired, k2: active');
    expect(level(story)?.[0]).toBe('OK');
  });
});

describe('status on a terminal', () => {
  const KIDS = ['kuN01Qut-IW6rOO_3AWB8KefD19AdOY0YWqEe5EMbXk', 'kuN01Qut-XfENjoTRRtFSeoQAO8kshzc5iA7WYufltSJ'];

  function narrow(columns: number): string[] {
    const story = rotated();
    const keys = story.known.keys.map((key, i) => ({ ...key, kid: KIDS[i] ?? key.kid }));
    const all = [{ ...statusOf(story), manifest: { ...story.known, keys } }];
    return statusTable(all, story.now, opened(story), { color: palette(false), columns }).split('\n');
  }

  it('shows whole kids where there is room', () => {
    expect(narrow(160).join('\n')).toContain(KIDS[0]);
    expect(Math.max(...narrow(120).map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('shortens kids as far as they stay unique, and breaks nothing inside a word', () => {
    const lines = narrow(80);
    expect(lines.some((line) => line.includes('kuN01Qut-I…'))).toBe(true);
    expect(lines.some((line) => line.includes('kuN01Qut-X…'))).toBe(true);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('gives each key lines of its own where even that has no room', () => {
    expect(narrow(46)).toContain(`  ${KIDS[0]}`);
    expect(narrow(40)).toContain('  kuN01Qut-I…');
    for (const columns of [40, 46]) expect(Math.max(...narrow(columns).map((line) => line.length))).toBeLessThan(47);
    expect(Math.max(...narrow(40).map((line) => line.length))).toBeLessThanOrEqual(40);
  });
});

describe('a dry run that would do nothing', () => {
  it('says what a run would that is held off, and not where it is forced, or rolled back by hand', () => {
    const waiting = staged();
    const manifest = backedOff(waiting.known, 'gateway: no answer', waiting.now);
    const idle = { actions: [], refusal: null, outcome: manifest };
    expect(wouldBeHeldOff(manifest, idle, NOTHING_ASKED, waiting.now)).toBe(true);
    expect(wouldBeHeldOff(manifest, idle, { ...NOTHING_ASKED, force: true }, waiting.now)).toBe(false);
    expect(wouldBeHeldOff(manifest, idle, NOTHING_ASKED, waiting.now + 30 * DAY)).toBe(false);
    const { known, now } = rolledBack();
    expect(wouldBeHeldOff(known, { ...idle, outcome: known }, NOTHING_ASKED, now)).toBe(false);
    expect(idleText(manifest, waiting.policy, true, waiting.now)).toMatch(
      /^backing off; next: retry in .*gateway: no answer/,
    );
  });

  it('says when the key that waits switches', () => {
    const { known, policy, now } = staged();
    expect(idleText(known, policy, false, now)).toMatch(/^nothing is due; next: activate in 1d \(the active key/);
    expect(idleText(null, policy, false, now)).toBe('nothing is due');
  });
});
