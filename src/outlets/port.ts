import type { Clock } from '../keyset/basics/clock.js';
import type { Environment } from '../outside/command.js';
import type { Records } from '../records/records.js';
import type { DeliverOutlet, PublishOutlet } from './configured.js';
import { deliverCommand } from './deliver-command.js';
import { deliverFile } from './deliver-file.js';
import { tryDelivery, tryPlace } from './deliver-trial.js';
import { servedMaxAge } from './max-age.js';
import { holdingWithin, keysWithin, recordWithin } from './observe-outlet.js';
import type { OutletPort } from './outlet.js';
import { type Reachable, withPlaces } from './place.js';
import { publishCommand } from './publish-command.js';
import { publishDirectory } from './publish-directory.js';
import { publishFile } from './publish-file.js';
import { type Answering, Reach } from './reach.js';
import { REQUEST_TIMEOUT, readBackOutlet, withoutQuery } from './read-back.js';
import type { Target } from './target.js';
import { createWriter } from './write.js';

export interface OutletPortOptions {
  readonly keyset: string;
  readonly publish: readonly PublishOutlet[];
  readonly deliver: readonly DeliverOutlet[];
  /** For records of what commands were given, and for locks that can't lie beside an outlet. Made when first needed. */
  readonly stateDirectory: string;
  /** Commands get the variables of it that they name. */
  readonly env: Environment;
  /** What this host remembers of the keyset. */
  readonly records: Records;
  readonly clock: Clock;
  /** A random id that can be part of a file's name. */
  readonly newId: () => string;
  /** Where to find programs; absent: the fixed PATH. */
  readonly path?: string;
  /** Tells whether directories answer; absent: asks this machine. */
  readonly answering?: Answering;
}

/** The outlets of one keyset on this host. */
export function createOutletPort(options: OutletPortOptions): OutletPort {
  const { publish, deliver, clock, path, stateDirectory } = options;
  const published = publish.map((outlet) => ({
    outlet,
    target: publishTarget(outlet, options),
  }));
  const targets = distinctlyNamed([
    ...published.map(({ target }) => target),
    ...deliver.map((outlet) => (outlet.type === 'file' ? deliverFile(outlet) : deliverCommand(outlet, options))),
  ]);
  const reachable = withReach(targets, options.answering);
  // A command's record lies in the state directory, so it proves nothing about the store.
  const beside = reachable.filter(({ target }) => !target.isCommand);
  return {
    publish,
    deliver,
    observe: (limit) => Promise.all(reachable.map((one) => holdingWithin(one, limit))),
    keys: async (limit, kid) => (await Promise.all(reachable.map((one) => keysWithin(one, limit, kid)))).flat(),
    records: async (limit) => (await Promise.all(beside.map((one) => recordWithin(one, limit)))).flat(),
    locked: (patience, use) =>
      withPlaces(reachable, { ...patience, clock, path, lockFolder: stateDirectory }, (places) =>
        use(createWriter(places, options)),
      ),
    readBack: (content, deadline, signal, onWait = () => {}) =>
      found(
        published.map(async ({ outlet }, i) =>
          reachable[i] === undefined
            ? null
            : readBackOutlet(reachable[i], outlet, content, { deadline, signal, clock, onWait }),
        ),
      ),
    undeliverable: (limit) =>
      found(
        reachable.flatMap((one, i) => {
          const outlet = deliver[i - publish.length];
          return outlet === undefined ? [] : [tryDelivery(one, outlet, { ...options, limit })];
        }),
      ),
    unwritable: (limit) => found(reachable.map((one) => tryPlace(one, limit, options.newId))),
    cacheable(signal) {
      const urls = publish.flatMap(({ format, url }) => (format === 'jwks' && url !== null ? [url] : []));
      const asked = urls.map(async (url) => {
        const maxAge = await servedMaxAge(url, REQUEST_TIMEOUT, signal);
        return maxAge === null ? null : { url: withoutQuery(url), maxAge };
      });
      return found(asked);
    },
  };
}

function publishTarget(outlet: PublishOutlet, options: OutletPortOptions): Target {
  if (outlet.type === 'file') return publishFile(outlet);
  return outlet.type === 'directory' ? publishDirectory(outlet) : publishCommand(outlet, options);
}

/** What looks at all outlets, at the same time, have found. */
async function found<T>(looks: readonly Promise<T | null>[]): Promise<T[]> {
  return (await Promise.all(looks)).filter((one) => one !== null);
}

/** Outlets in one directory share a `Reach`: if the directory hangs, the next outlet does not try it again. */
function withReach(targets: readonly Target[], answering: Answering | undefined): Reachable[] {
  const reaches = new Map<string, Reach>();
  return targets.map((target) => {
    const reach = reaches.get(target.folder) ?? new Reach(target.folder, answering);
    reaches.set(target.folder, reach);
    return { target, reach };
  });
}

/** Labels are identities: the second command of the same name becomes `command NAME #2`. */
function distinctlyNamed(targets: readonly Target[]): Target[] {
  const seen = new Map<string, number>();
  return targets.map((target) => {
    const count = 1 + (seen.get(target.label) ?? 0);
    seen.set(target.label, count);
    return count === 1 ? target : { ...target, label: `${target.label} #${count}` };
  });
}
