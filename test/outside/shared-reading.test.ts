import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { secureContextOf } from '../../src/outside/secure-context.js';
import { sharedReading } from '../../src/outside/shared-reading.js';

describe('a shared reading', () => {
  it('is one for all who come while it lasts and shortly after, apart for each name', async () => {
    const share = sharedReading<string>(50);
    const asked: string[] = [];
    const reading = (name: string) => async () => {
      asked.push(name);
      await sleep(20);
      return `${name} ${asked.length}`;
    };
    const all = await Promise.all(['a', 'a', 'b', 'a'].map((name) => share(name, reading(name))));
    expect(all).toEqual(['a 2', 'a 2', 'b 2', 'a 2']);
    expect(await share('a', reading('a'))).toBe('a 2');
    expect(asked).toEqual(['a', 'b']);
    await sleep(100);
    expect(await share('a', reading('a'))).toBe('a 3');
  });

  it('that hangs is not begun again, and one that failed is', async () => {
    const share = sharedReading<string>(0);
    let begun = 0;
    const hanging = () => {
      begun += 1;
      return new Promise<string>(() => {});
    };
    void share('nfs', hanging);
    await sleep(50);
    void share('nfs', hanging);
    expect(begun).toBe(1);
    await expect(share('x', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await share('x', async () => 'mended')).toBe('mended');
  });
});

describe('what a TLS connection needs', () => {
  it('is made once for the same files, and anew for renewed ones', async () => {
    const file = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8');
    const material = { ca: file('ca.pem'), cert: file('client.pem'), key: file('client.key') };
    const first = await secureContextOf(material);
    expect(await secureContextOf({ ...material })).toBe(first);
    expect(await secureContextOf({ ca: material.ca })).not.toBe(first);
    for (let i = 0; i < 10; i++) await secureContextOf({ ca: `${material.ca}${'\n'.repeat(i + 1)}` });
    expect(await secureContextOf(material)).not.toBe(first);
  });
});
