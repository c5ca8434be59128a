import { decodeManifest } from '../../src/keyset/manifest/encoding.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { rotated, START, type Story, thumbprintOf } from './story.js';

const OWNER = { host: 'h', hostname: 'alpha', bootId: 'b', pidNamespace: 'n', pid: 42, startTime: '77' };

export function committed(story: Story): Manifest {
  return { ...story.known, revision: 7, commits: [{ id: 'c1', at: START }] };
}

/** Every field that a manifest can have is set. */
export function full(): Manifest {
  const story = rotated();
  story.retire('k1', { purge: true });
  story.run({ force: true });
  return {
    ...committed(story),
    host: { id: 'h', hostname: 'alpha' },
    reloadsUntil: START + 5,
    refresh: { publish: true, deliver: false, served: true, since: START },
    verifiersOwedAt: START + 6,
    lease: { id: 'l', owner: OWNER, verb: 'rotate', since: START, until: START + 1000 },
    backoff: { failures: 3, until: START + 9, because: 'issuer: no answer' },
  };
}

export function decode(text: string, keyset = 'api'): Promise<Manifest> {
  return decodeManifest(text, keyset, '/store/7.json', thumbprintOf);
}

export type Json = Record<string, unknown>;

export function keyIn(json: Json, i = 0): Json {
  return (json['keys'] as Json[])[i] as Json;
}
