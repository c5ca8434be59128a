import { afterEach, describe, expect, it } from 'vitest';
import { LiveView } from '../../src/cli/output/live.js';
import { palette } from '../../src/cli/output/paint.js';
import { progressLine } from '../../src/cli/output/progress.js';
import type { Progress } from '../../src/rollout/context.js';
import { VirtualClock } from '../services/virtual-clock.js';

const ACTION = { type: 'confirm-verifiers', kid: 'k2', isRecheck: false, reason: 'new-key' } as const;
type State = Extract<Progress, { type: 'instance' }>['state'];

function instance(name: string, state: State, reason: string | null = null): Progress {
  return { type: 'instance', keyset: 'api', service: 'gateway', instance: name, state, reason };
}

function wave(number: number, service: string | null = 'gateway'): Progress {
  const instances = ['b', 'c'].map((name) => ({ service: 'gateway', instance: name }));
  return { type: 'wave', keyset: 'api', service, number, of: 3, instances };
}

const views: LiveView[] = [];
afterEach(() => {
  for (const view of views.splice(0)) view.end();
});

/** A live view, and what stands on its terminal. */
function open(clock = new VirtualClock()) {
  let text = '';
  const stream = { isTTY: true, columns: 80, write: (chunk: string) => (text += chunk) };
  const view = new LiveView(stream as never, palette(false), clock);
  views.push(view);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the view clears its lines by this
  const lines = () => (text.split(/\u001b\[\d+A\u001b\[0J/).at(-1) ?? '').trimEnd().split('\n');
  return { view, lines };
}

describe('the live view', () => {
  it('shows the wave of each service, who is in turn, and who waits for a later one', () => {
    const { view, lines } = open();
    for (const event of [
      { type: 'action', keyset: 'api', action: ACTION } as const,
      instance('c', 'waiting', 'wave 2 of 3'),
      instance('d', 'waiting', 'wave 3 of 3'),
      instance('a', 'confirmed'),
      wave(1),
      wave(2),
      instance('c', 'awaited', 'does not accept "k2"'),
    ])
      view.show(event);
    expect(lines()[0]).toMatch(/ api: wait until each verifier accepts k2 \(a new key\) 1 of 3 confirmed$/);
    expect(lines().slice(1)).toEqual([
      '    gateway: wave 2 of 3',
      '    gateway/c awaited since 0s: does not accept "k2"',
      '    gateway/d waiting since 0s: wave 3 of 3',
    ]);
  });

  it('counts the time of an instance from its turn', async () => {
    const clock = new VirtualClock();
    const { view, lines } = open(clock);
    view.show({ type: 'action', keyset: 'api', action: ACTION });
    view.show(instance('c', 'waiting'));
    await clock.drive(clock.sleep(60_000));
    view.show(instance('c', 'reloading'));
    await clock.drive(clock.sleep(5_000));
    view.show(instance('c', 'awaited'));
    expect(lines().at(-1)).toBe('    gateway/c awaited since 5s');
  });
});

describe('where nobody watches', () => {
  it('a wave is a line, and waiting for one is none', () => {
    expect(progressLine(wave(2))?.text).toBe('api:   gateway: wave 2 of 3 (gateway/b, gateway/c)');
    expect(progressLine(wave(2, null))?.text).toBe('api:   wave 2 of 3 (gateway/b, gateway/c)');
    expect(progressLine(instance('b', 'waiting', 'wave 2 of 3'))).toBeNull();
  });
});

describe('a terminal that becomes narrower', () => {
  it('is cleared of each row that the lines take now', () => {
    let text = '';
    const stream = { isTTY: true, columns: 80, write: (chunk: string) => (text += chunk) };
    const view = new LiveView(stream as never, palette(false), new VirtualClock());
    views.push(view);
    view.show({ type: 'action', keyset: 'api', action: ACTION });
    view.show(instance('a', 'awaited', 'does not accept "k2"'));
    // Each of the two lines is longer than 40 characters.
    const drawn = text.split('\n').slice(-3, -1);
    const rows = drawn.reduce((sum, line) => sum + Math.ceil((line.split('\u001b[0J').at(-1) ?? '').length / 40), 0);
    expect(rows).toBeGreaterThan(2);
    stream.columns = 40;
    text = '';
    view.clear();
    expect(text).toBe(`\u001b[${rows}A\u001b[0J`);
  });
});
