import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Owner } from '../../src/keyset/model.js';
import { createLinuxHost } from '../../src/outside/linux-host.js';

const host = createLinuxHost();
const other = (change: Partial<Owner>): Owner => ({ ...host.self, ...change });

describe('who holds a lease', () => {
  it('is alive while its process runs, and gone when it does not or is another of the same pid', async () => {
    expect(host.state(host.self)).toBe('alive');
    expect(host.state(other({ startTime: '1' }))).toBe('gone');
    const child = spawn('true');
    const pid = child.pid as number;
    await new Promise((resolve) => child.on('exit', resolve));
    expect(host.state(other({ pid, startTime: '1' }))).toBe('gone');
  });

  it('is gone when this host has been booted since', () => {
    expect(host.state(other({ bootId: '00000000-0000-0000-0000-000000000000' }))).toBe('gone');
  });

  it.each<[string, Partial<Owner>]>([
    ['another machine', { host: 'f'.repeat(32) }],
    ['another container', { pidNamespace: 'pid:[1]' }],
    ['a clone of the same image', { hostname: 'other', bootId: '00000000-0000-0000-0000-000000000000' }],
    ['a host whose boot is not known', { bootId: 'unknown' }],
  ])("can't be told on %s", (_, change) => {
    expect(host.state(other(change))).toBe('elsewhere');
  });
});
