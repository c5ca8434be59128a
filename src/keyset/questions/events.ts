import type { Instant } from '../basics/clock.js';
import type { KeysetEvent, Manifest } from '../manifest/model.js';

/** The newest event by time; null before the first. A clock that is behind may have appended later ones. */
export function newestEvent({ events }: Pick<Manifest, 'events'>): KeysetEvent | null {
  return events.reduce<KeysetEvent | null>(
    (newest, one) => (newest === null || one.at >= newest.at ? one : newest),
    null,
  );
}

export function newestEventAt(manifest: Pick<Manifest, 'events'>): Instant | null {
  return newestEvent(manifest)?.at ?? null;
}
