import { describe, expect, it } from 'vitest';
import { createServicePort } from '../../src/services/port.js';
import type { InstanceSource } from '../../src/services/service.js';
import type { ServiceSettings } from '../../src/services/settings.js';
import { aService, healthAt, never } from './services.js';

const list = (instances: InstanceSource | null, settings: Partial<ServiceSettings> = {}, signal = never()) =>
  createServicePort(aService({ instances }), { env: {}, uid: 1000, ...settings }).listInstances(signal);

const printing = (text: string): InstanceSource => ({
  type: 'command',
  command: { argv: ['printf', '%s', text], env: [] },
});

describe('the instances of a service', () => {
  it('are one without an address when nothing is said', async () => {
    expect(await list(null)).toEqual([{ name: 'api', address: null }]);
  });

  it('may be listed', async () => {
    const instances = [
      { name: 'a', address: '10.0.0.1:80' },
      { name: 'b', address: null },
    ];
    expect(await list({ type: 'list', instances })).toEqual(instances);
  });

  it('may be all addresses of a host name, in order and each once', async () => {
    const lookup = async () => [
      { address: '10.0.0.2', family: 4 },
      { address: 'fd00::1', family: 6 },
      { address: '10.0.0.1', family: 4 },
      { address: '10.0.0.2', family: 4 },
    ];
    const all = await list({ type: 'dns', name: 'api.internal', port: 8080 }, { lookup });
    expect(all.map(({ address }) => address)).toEqual(['10.0.0.1:8080', '10.0.0.2:8080', '[fd00::1]:8080']);
    expect(all.every(({ name, address }) => name === address)).toBe(true);
  });

  it('are looked up by the system', async () => {
    const all = await list({ type: 'dns', name: 'localhost', port: 1 });
    expect(all.map(({ address }) => address)).toContain('127.0.0.1:1');
    await expect(list({ type: 'dns', name: 'jwtrot.invalid', port: 1 })).rejects.toMatchObject({
      kind: 'services',
      code: 'no-instances-source',
      message: expect.stringContaining('"jwtrot.invalid"'),
    });
  });

  it('may be printed by a command, as texts or with names', async () => {
    expect(
      await list(printing('["10.0.0.1:80", {"name":"b","address":"10.0.0.2:80"}, {"address":"h:1"}, {"name":"n"}]')),
    ).toEqual([
      { name: '10.0.0.1:80', address: '10.0.0.1:80' },
      { name: 'b', address: '10.0.0.2:80' },
      { name: 'h:1', address: 'h:1' },
      { name: 'n', address: null },
    ]);
    expect(await list(printing('[]'))).toEqual([]);
  });
});

describe('instances that can not be used', () => {
  it.each([
    ['<html>', 'not JSON: "<html>"'],
    ['{"name":"a"}', 'not an array: "{\\"name\\":\\"a\\"}"'],
    [JSON.stringify(Array.from({ length: 1_001 }, (_, i) => `h:${i}`)), '1001 instances, at most 1000 are taken'],
    [`["${'x'.repeat(70_000)}"]`, 'it is longer than 64 KiB'],
  ])('are refused when a command prints %.30s', async (text, reason) => {
    await expect(list(printing(text))).rejects.toMatchObject({
      kind: 'services',
      code: 'bad-instances',
      message: `instances of api: the output of "printf" is not a list of instances: ${reason}; none was reloaded`,
    });
  });

  it.each([
    'a b:80',
    'a\n:80',
    'user@host:80',
    'host:80/admin',
    'h:80?x',
    'h:80#x',
    'h\\:80',
    '-H:80',
    '',
    'h\u001b[2J',
    'h\u202e:80',
    // The name or the address as it is would be filled into a unit, a path or a command.
    '$(id)',
    '*',
    'api?',
    '..',
    '..:80',
    '{name}:80',
  ])('are marked at the address %j, and they alone', async (address) => {
    for (const entry of [address, { name: 'a', address }, { name: address, address: 'h:80' }]) {
      const [bad, good, ...more] = await list(printing(JSON.stringify([entry, 'good:80'])));
      const name = typeof entry === 'string' ? entry : entry.name;
      expect(bad).toEqual({ name, address: null, flaw: expect.not.stringMatching(/\p{Cc}/u) });
      expect([good, ...more]).toEqual([{ name: 'good:80', address: 'good:80' }]);
    }
  });

  it('are marked where an entry is no instance, and where a name was there before', async () => {
    const text = '[5, {}, {"name":"a","address":5}, {"name":"b","address":"h:1"}, {"name":"b","address":"h:2"}]';
    expect(await list(printing(text))).toEqual([
      { name: 'entry-0', address: null, flaw: 'the list holds "5" at 0, which is no instance' },
      { name: 'entry-1', address: null, flaw: 'the list holds "{}" at 1, which is no instance' },
      {
        name: 'entry-2',
        address: null,
        flaw: String.raw`the list holds "{\"name\":\"a\",\"address\":5}" at 2, which is no instance`,
      },
      { name: 'b', address: 'h:1' },
      { name: 'b', address: null, flaw: 'two instances are called "b"' },
    ]);
  });

  it('are marked where what they are filled into would be another thing', async () => {
    const reload = { type: 'systemd', unit: 'app@{address}.service', action: 'reload', timeout: 1_000 } as const;
    const instances = printing('["[fe80::1]:80", "h:1", {"name":"b"}]');
    const port = createServicePort(aService({ reload, instances }), { env: {}, uid: 1000 });
    expect(await port.listInstances(never())).toEqual([
      { name: '[fe80::1]:80', address: null, flaw: expect.stringContaining('"app@{address}.service" is no unit with') },
      { name: 'h:1', address: 'h:1' },
      { name: 'b', address: null, flaw: 'instance "b" has no address to fill in' },
    ]);
  });

  it('are neither reloaded nor asked where they are marked', async () => {
    const health = healthAt('http://127.0.0.1:1/');
    const reload = { type: 'command', command: { argv: ['true'], env: [] }, timeout: 1_000 } as const;
    const port = createServicePort(aService({ reload, health }), { env: {}, uid: 1000 });
    const marked = { name: 'x', address: null, flaw: 'it is bad' };
    expect(await port.probe(marked, never())).toEqual({ ok: false, reason: 'it is bad' });
    expect(await port.reload(marked, never())).toMatchObject({ ok: false, reason: 'it is bad' });
  });

  it('are an error when their source fails', async () => {
    const failing: InstanceSource = {
      type: 'command',
      command: { argv: ['sh', '-c', 'echo broken >&2; exit 4'], env: [] },
    };
    await expect(list(failing)).rejects.toMatchObject({
      kind: 'services',
      code: 'no-instances-source',
      message: 'instances of api: the command "sh" that lists them failed: exit 4: "broken"; none was reloaded',
    });
    const lookup = () => Promise.reject(Object.assign(new Error('queryA EAI_AGAIN'), { code: 'EAI_AGAIN' }));
    await expect(list({ type: 'dns', name: 'h', port: 1 }, { lookup })).rejects.toMatchObject({
      code: 'no-instances-source',
    });
  });

  it('are not waited for once the run is interrupted', async () => {
    const lookup = () => new Promise<never>(() => {});
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('interrupted')), 50);
    await expect(list({ type: 'dns', name: 'h', port: 1 }, { lookup }, controller.signal)).rejects.toThrow(
      'interrupted',
    );
  });
});
