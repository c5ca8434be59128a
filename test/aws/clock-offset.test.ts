import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { offsetFrom } from '../../src/store/secrets-manager/clock-offset.js';
import { type AwsServer, startAwsServer } from './server.js';
import { newPrefix, openStore, QUICK } from './target.js';

const HOUR = 3_600_000;
let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterEach(() => {
  server.heal();
  server.lieAboutTime(0);
});
afterAll(() => server.close());

describe('how far this clock is from AWS’s', () => {
  it('is not known before the first answer', async () => {
    const store = openStore(server.endpoint, newPrefix());
    expect(store.clockOffset()).toBeNull();
    await store.readManifest('api');
    expect(store.clockOffset()).toBe(0);
  });

  it.each([
    ['ahead', -HOUR],
    ['behind', HOUR],
  ])('shows when it is %s, and when it has been set right', async (_, lie) => {
    const store = openStore(server.endpoint, newPrefix());
    server.lieAboutTime(lie);
    await store.readManifest('api');
    expect(Math.abs((store.clockOffset() ?? 0) + lie)).toBeLessThan(5_000);
    server.lieAboutTime(0);
    await store.readManifest('api');
    expect(store.clockOffset()).toBe(0);
  });

  it('shows from a refusal too, and from each attempt', async () => {
    const store = openStore(server.endpoint, newPrefix());
    server.lieAboutTime(-HOUR);
    server.fail({ operation: 'GetSecretValue', mode: 'denied' });
    await expect(store.readManifest('api')).rejects.toThrow();
    expect(store.clockOffset()).toBeGreaterThan(HOUR - 5_000);
  });

  it('stays what it was while nobody answers', async () => {
    const store = openStore(server.endpoint, newPrefix(), { ...QUICK, attempts: 1 });
    server.lieAboutTime(-HOUR);
    await store.readManifest('api');
    server.lieAboutTime(0);
    server.fail({ operation: 'GetSecretValue', mode: 'cut' });
    await expect(store.readManifest('api')).rejects.toThrow();
    expect(store.clockOffset()).toBeGreaterThan(HOUR - 5_000);
  });

  it('does not show that a run slept while it waited for the answer', () => {
    const sent = Date.parse('2026-03-01T12:00:00.900Z');
    const date = 'Sun, 01 Mar 2026 12:00:00 GMT';
    expect(offsetFrom(date, sent, sent + 50)).toBe(0);
    expect(offsetFrom(date, sent, sent + HOUR)).toBe(0);
    expect(offsetFrom(date, sent + HOUR, sent + HOUR + 50)).toBe(HOUR - 100);
    expect(offsetFrom(date, sent - HOUR, sent - HOUR + 50)).toBe(-HOUR + 950);
  });

  it.each([[undefined], [''], ['yesterday']])('is not to be had from the date %s', (date) => {
    expect(offsetFrom(date, 0, 50)).toBeNull();
  });

  it('is not to be had where this clock jumped back meanwhile', () => {
    expect(offsetFrom('Sun, 01 Mar 2026 12:00:00 GMT', HOUR, 0)).toBeNull();
  });
});
