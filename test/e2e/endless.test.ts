import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { openAwsSite } from './aws-command.js';
import type { RotateDocument, Site } from './fixtures.js';
import { publishedKids, statesOf } from './look.js';
import type { Ran } from './world.js';

let server: AwsServer;
let site: Site;
beforeAll(async () => {
  server = await startAwsServer();
});
afterEach(async () => {
  server.heal();
  await site.world.close();
});
afterAll(() => server.close());

/** After the deadline. */
const WALL = 10_000;
const MOST_MEMORY = 300 * 1024;

/** The most that one process has had resident, in KiB (proc_pid_status(5)), and its children too; those that have ended: 0. */
function peakOf(pid: number): number {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return Math.max(Number(peak), ...children.map((child) => peakOf(Number(child))));
  } catch {
    return 0;
  }
}

async function watched(...args: string[]): Promise<Ran & { readonly took: number; readonly peak: number }> {
  const began = performance.now();
  const { child, ended } = site.world.start(args);
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, peakOf(child.pid ?? 0));
  };
  const timer = setInterval(look, 20);
  const ran = await ended.finally(() => clearInterval(timer));
  return { ...ran, took: performance.now() - began, peak };
}

async function twoKeys(): Promise<readonly [former: string, leaked: string]> {
  site = await openAwsSite(server);
  const active = async (...options: string[]) =>
    (await site.world.json<RotateDocument>(['rotate', ...options])).document.keysets[0]!.active!;
  return [await active(), await active('--immediate')];
}

describe('answers of Secrets Manager and KMS that never end', { timeout: 90_000 }, () => {
  it.each([
    ['as fast as they are read', {}],
    ['at 30 MB/s', { pace: 30_000_000 }],
  ])('%s end a rotate, and keep no leaked key published', async (_, pace) => {
    const [former, leaked] = await twoKeys();
    server.fail({ operation: '*', mode: 'endless', ...pace });
    const rotated = await watched('rotate');
    expect(rotated.code, rotated.stderr).toBe(3);
    expect(rotated.stderr).toMatch(/Secrets Manager GetSecretValue of \S+ got no usable answer: /);
    const retired = await watched('retire', '--kid', leaked, '--yes', '--deadline', '4s');
    expect(retired.code, retired.stderr).toBe(4);
    expect(retired.took).toBeLessThan(4_000 + WALL);
    expect(publishedKids(site)).toEqual([former]);
    for (const { peak } of [rotated, retired]) {
      expect(peak).toBeGreaterThan(0);
      expect(peak).toBeLessThan(MOST_MEMORY);
    }
    await expect.poll(() => server.endless()).toBe(0);
    server.heal();
    const again = await watched('retire', '--kid', leaked, '--yes', '--deadline', '10s');
    expect(again.code, again.stderr).toBe(0);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'retired', v3: 'active' });
    expect(publishedKids(site)).not.toContain(leaked);
  });

  it('of KMS alone make no replacement: another key signs, and the leaked one is out', async () => {
    const [former, leaked] = await twoKeys();
    server.fail({ operation: 'Encrypt', mode: 'endless' });
    const retired = await watched('retire', '--kid', leaked, '--yes', '--deadline', '4s');
    expect(retired.stderr).toContain('no replacement could be made: KMS Encrypt of');
    expect(retired.took).toBeLessThan(4_000 + WALL);
    expect(retired.peak).toBeLessThan(MOST_MEMORY);
    expect(publishedKids(site)).toEqual([former]);
    expect(await statesOf(site)).toMatchObject({ v1: 'active', v2: 'retired' });
  });
});
