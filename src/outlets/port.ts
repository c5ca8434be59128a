import type { Clock } from '../keyset/clock.js';
import type { Environment } from '../outside/command.js';
import { deliverFile } from './deliver-file.js';
import { servedMaxAge } from './max-age.js';
import type { DeliverOutlet, OutletPort, PublishOutlet } from './outlet.js';
import { withPlaces } from './place.js';
import { publishCommand } from './publish-command.js';
import { publishFile } from './publish-file.js';
import { REQUEST_TIMEOUT, readBackOutlet, withoutQuery } from './read-back.js';
import { holdingOf, type Target } from './target.js';
import { createWriter } from './write.js';

export interface OutletPortOptions {
  readonly keyset: string;
  readonly publish: readonly PublishOutlet[];
  readonly deliver: readonly DeliverOutlet[];
  /** For the records of what command outlets were given; made when it is first needed. */
  readonly stateDirectory: string;
  /** Of which commands get the variables that they name. */
  readonly env: Environment;
  readonly clock: Clock;
  /** A random id that can be part of a file's name. */
  readonly newId: () => string;
  /** Where programs are looked for; the fixed PATH when absent. */
  readonly path?: string;
}

/** The outlets of one keyset on this host. */
export function createOutletPort(options: OutletPortOptions): OutletPort {
  const { publish, deliver, clock, newId } = options;
  const published = publish.map((outlet) => ({
    outlet,
    target: outlet.type === 'file' ? publishFile(outlet) : publishCommand(outlet, options),
  }));
  const targets = distinctlyNamed([...published.map(({ target }) => target), ...deliver.map(deliverFile)]);
  return {
    publish,
    deliver,
    observe: () => Promise.all(targets.map(holdingOf)),
    locked: (timeout, use) =>
      withPlaces(targets, { timeout, clock, path: options.path }, (places) => use(createWriter(places, newId))),
    async readBack(content, deadline, signal) {
      const read = published.map(({ outlet }, i) =>
        targets[i] === undefined ? null : readBackOutlet(targets[i], outlet, content, { deadline, signal, clock }),
      );
      return (await Promise.all(read)).filter((unread) => unread !== null);
    },
    async cacheable(signal) {
      const urls = publish.flatMap(({ format, url }) => (format === 'jwks' && url !== null ? [url] : []));
      const asked = urls.map(async (url) => {
        const maxAge = await servedMaxAge(url, REQUEST_TIMEOUT, signal);
        return maxAge === null ? [] : [{ url: withoutQuery(url), maxAge }];
      });
      return (await Promise.all(asked)).flat();
    },
  };
}

/** Labels are identities: of two commands with one name, the second is `command NAME #2`. */
function distinctlyNamed(targets: readonly Target[]): Target[] {
  const seen = new Map<string, number>();
  return targets.map((target) => {
    const count = 1 + (seen.get(target.label) ?? 0);
    seen.set(target.label, count);
    return count === 1 ? target : { ...target, label: `${target.label} #${count}` };
  });
}
