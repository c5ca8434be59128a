import { describe, expect, it } from 'vitest';
import { StatusBoard, statusBoard } from '../../src/cli/output/notify.js';
import type { Progress } from '../../src/rollout/context.js';
import { VirtualClock } from '../services/virtual-clock.js';

const action: Progress = {
  type: 'action',
  keyset: 'api',
  action: { type: 'confirm-verifiers', kid: 'kQ3xPz0aAAAA', isRecheck: false, reason: 'new-key' },
};
const instance = (service: string, name: string, state: 'awaited' | 'confirmed'): Progress => ({
  type: 'instance',
  keyset: 'api',
  service,
  instance: name,
  state,
  reason: null,
});

describe('what systemctl status shows', () => {
  it('is the step under way, then who is awaited since when, then the result', async () => {
    const clock = new VirtualClock();
    const said: string[] = [];
    const board = new StatusBoard(clock, (text) => said.push(text));
    board.show(action);
    for (const [service, name] of [
      ['issuer', 'issuer'],
      ['web', 'web'],
      ['gateway', '10.0.0.7'],
    ] as const)
      board.show(instance(service, name, 'awaited'));
    await clock.drive(clock.sleep(14_000));
    board.show(instance('issuer', 'issuer', 'confirmed'));
    board.show(instance('web', 'web', 'confirmed'));
    board.say('api: rotated\nand more');
    expect(said[0]).toBe('STATUS=api: wait until each verifier accepts kQ3xPz0aAAAA (a new key)');
    expect(said.at(-3)).toBe('STATUS=api: 1 of 3 services confirmed, waiting for web and 1 more since 14s');
    expect(said.at(-2)).toBe('STATUS=api: 2 of 3 services confirmed, waiting for gateway (10.0.0.7) since 14s');
    expect(said.at(-1)).toBe('STATUS=api: rotated');
  });

  it('counts instances where a service has several', () => {
    const said: string[] = [];
    const board = new StatusBoard(new VirtualClock(), (text) => said.push(text));
    board.show(action);
    board.show(instance('web', 'a', 'confirmed'));
    board.show(instance('web', 'b', 'awaited'));
    board.end();
    expect(said.at(-1)).toBe('STATUS=api: 1 of 2 instances confirmed, waiting for web (b) since 0s');
  });

  it('never stops a run when nobody listens', () => {
    const board = new StatusBoard(new VirtualClock(), () => {
      throw new Error('EPIPE');
    });
    expect(() => board.say('api: rotated')).not.toThrow();
  });

  it('is told only where systemd handed this very process the socket', () => {
    const clock = new VirtualClock();
    const env = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'other:jwtrot-status' };
    expect(statusBoard(env, clock, 42)).toBeInstanceOf(StatusBoard);
    expect(statusBoard(env, clock, 43)).toBe(null);
    expect(statusBoard({ ...env, LISTEN_FDNAMES: 'other' }, clock, 42)).toBe(null);
    expect(statusBoard({}, clock, 42)).toBe(null);
  });
});
