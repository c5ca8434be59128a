import { openKeyring } from '../keyring/index.js';
import type { Keyring } from '../keyring/public.js';
import type { Clock, Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { type Issuer, openIssuer, openVerifier, type Service } from './services.js';
import { type Program, type Ran, Site, TOKEN_LIFE } from './site.js';
import { tellStory } from './story.js';
import { type Happening, SLICE, type Sums, type Timeline } from './timeline.js';
import { Traffic } from './traffic.js';

/** Shows what is going on. */
export interface Show {
  /** The services listen, and the first key signs. */
  begins(folder: string): void;
  happens(happening: Happening): void;
  /** Called ten times a second. */
  moves(timeline: Timeline, sums: Sums): void;
}

export interface Demonstrated extends Sums {
  readonly rotations: number;
  readonly timeline: Timeline;
  /** What did not come out as it should, and why tokens were rejected; empty: all is well. */
  readonly failures: readonly string[];
}

/** What a demonstration needs from outside. */
export interface Setting extends Program {
  readonly clock: Clock;
}

/**
 * Starts two issuers, two verifiers and traffic on loopback, in a temporary folder; rotates, breaks an issuer, leaks a key
 * and retires it. Everything is gone afterwards.
 * @param length of the traffic, in milliseconds
 */
export async function demonstrate(length: Duration, setting: Setting, show: Show): Promise<Demonstrated> {
  const site = new Site(setting);
  const services: Service[] = [];
  try {
    const issuers = await Promise.all(
      ['issuer-1', 'issuer-2'].map(async (name) => openIssuer(name, await signer(site))),
    );
    services.push(...issuers);
    const verifiers = await Promise.all(
      ['verifier-1', 'verifier-2'].map(async (name) => openVerifier(name, await verifier(site))),
    );
    services.push(...verifiers);
    site.configure({ issuers: addresses(issuers), verifiers: addresses(verifiers) });
    const first = await site.run('rotate');
    if (first.outcome !== 'rotated') throw notBegun(first);
    show.begins(site.folder);
    return await play(length, { site, issuers, verifiers, setting, show });
  } finally {
    await Promise.all(services.map((one) => one.close()));
    site.close();
  }
}

function notBegun({ outcome, problem }: Ran): JwtrotError {
  return new JwtrotError(
    'services',
    'demo-not-begun',
    `the first rotation of the demonstration came to: ${outcome}; ${problem ?? 'it said nothing'}; nothing of it stays`,
    { hint: 'it waits a second and a half for each answer: is this machine very busy? Then again: jwtrot demo' },
  );
}

function addresses(services: readonly Service[]): string[] {
  return services.map(({ address }) => address);
}

/** jwtrot has it read its files again, over HTTP. */
const COMMON = { keyset: 'demo', reloadOn: [] };

function signer({ jwks, key }: Site): Promise<Keyring> {
  const from = { files: { jwks, key } };
  return openKeyring({ ...COMMON, role: 'signer', from, maxTokenTtl: `${TOKEN_LIFE}ms` });
}

function verifier({ jwks }: Site): Promise<Keyring> {
  return openKeyring({ ...COMMON, role: 'verifier', from: { files: { jwks } }, clockTolerance: '0s' });
}

interface Playing {
  readonly site: Site;
  readonly issuers: readonly Issuer[];
  readonly verifiers: readonly Service[];
  readonly setting: Setting;
  readonly show: Show;
}

async function play(length: Duration, { setting, show, ...cast }: Playing): Promise<Demonstrated> {
  const traffic = new Traffic(cast.issuers, cast.verifiers, setting.clock);
  const happenings: Happening[] = [];
  const timeline: Timeline = { kids: traffic.kids, slices: traffic.slices, happenings };
  const tell = (happening: Happening) => {
    happenings.push(happening);
    show.happens(happening);
  };
  const drawing = setInterval(() => show.moves(timeline, traffic.sums()), SLICE);
  traffic.start();
  try {
    const { clock, signal } = setting;
    const { rotations, failures } = await tellStory({ ...cast, traffic, clock, signal, tell }, length);
    const sums = await traffic.stop();
    return { ...sums, rotations, timeline, failures: [...failures, ...traffic.reasons] };
  } finally {
    clearInterval(drawing);
    await traffic.stop();
  }
}
