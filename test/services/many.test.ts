import { getEventListeners } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Awaiting, awaitConfirmation } from '../../src/services/await.js';
import { createServicePort } from '../../src/services/port.js';
import { type Instance, reloadInTurn, type Service } from '../../src/services/service.js';
import { aService, healthAt, NO_TLS, never, realClock } from './services.js';

const COUNT = 200;

let close = () => {};
afterEach(() => close());

/** Instances behind one port. One whose number is above `answering` accepts connections and never answers. */
async function serve({ answering = COUNT, delay = 0 } = {}) {
  const reloaded = new Set<string>();
  let polled = 0;
  let most = 0;
  const server = createServer((request, response) => {
    const [, what, name = ''] = (request.url ?? '').split('/');
    if (what === 'reload') reloaded.add(name);
    else {
      polled += 1;
      most = Math.max(most, polled);
      response.on('close', () => {
        polled -= 1;
      });
    }
    if (Number(name) > answering) return;
    setTimeout(() => response.end(JSON.stringify({ kids: reloaded.has(name) ? ['new'] : ['old'] })), delay);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const instances = Array.from({ length: COUNT }, (_, i): Instance => ({ name: `${i + 1}`, address }));
  return { instances, mostPolled: () => most };
}

const BY_HTTP: Service['reload'] = {
  type: 'http',
  url: 'http://{address}/reload/{name}',
  method: 'POST',
  headers: {},
  tls: NO_TLS,
  timeout: 10_000,
};

function follow(instances: readonly Instance[], more: Partial<Awaiting> = {}) {
  const health = healthAt('http://{address}/healthz/{name}', { timeout: 5_000 });
  return awaitConfirmation({
    service: createServicePort(aService({ role: 'verifier', health, reload: BY_HTTP }), { env: {}, uid: 0 }),
    instances,
    wanted: { accepts: ['new'] },
    clock: realClock,
    random: Math.random,
    signal: never(),
    deadline: 20_000,
    reloadWhen: 'needed',
    reloadAgain: false,
    onEvent: () => {},
    ...more,
  });
}

describe('hundreds of instances', () => {
  it('share a few connections, all confirm, and no listener is left', async () => {
    const { instances, mostPolled } = await serve({ delay: 5 });
    const signal = never();
    const outcomes = await follow(instances, { signal });
    expect(outcomes.filter(({ confirmed }) => confirmed)).toHaveLength(COUNT);
    expect(mostPolled()).toBeLessThanOrEqual(100);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('do not wait for those that never answer', { timeout: 40_000 }, async () => {
    const silent = 120;
    const { instances } = await serve({ answering: COUNT - silent });
    const began = Date.now();
    const confirmed: number[] = [];
    const onEvent: Awaiting['onEvent'] = ({ state }) => state === 'confirmed' && confirmed.push(Date.now() - began);
    // Those that are silent come first.
    const outcomes = await follow([...instances].reverse(), { onEvent, deadline: 12_000 });
    expect(confirmed).toHaveLength(COUNT - silent);
    expect(Math.max(...confirmed)).toBeLessThan(10_000);
    expect(outcomes.filter((outcome) => !outcome.confirmed)).toHaveLength(silent);
  });

  it('are reloaded by a few commands at a time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'jwtrot-many-'));
    const log = join(folder, 'log');
    const argv = ['sh', '-c', 'echo + >> "$0"; sleep 0.2; echo - >> "$0"', log] as const;
    const reload: Service['reload'] = { type: 'command', command: { argv, env: [] }, timeout: 30_000 };
    const port = createServicePort(aService({ reload }), { env: {}, uid: 0 });
    const names = Array.from({ length: 90 }, (_, i) => `${i}`);
    try {
      const results = names.map((name) => reloadInTurn(port, { name, address: null }, never()));
      expect((await Promise.all(results)).every(({ ok }) => ok)).toBe(true);
      let running = 0;
      const counts = readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((line) => (running += line === '+' ? 1 : -1));
      expect(counts).toHaveLength(2 * names.length);
      expect(Math.max(...counts)).toBeLessThanOrEqual(40);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
