import { named, type Story } from './story.js';

/** Somebody else wrote these keys into an outlet. */
export function setOutlet(story: Story, outlet: string, kids: readonly string[] | null, intact = true): void {
  const keys = kids?.map((kid) => named(story.known, kid)) ?? null;
  story.holdings = story.holdings.map((one) =>
    one.outlet === outlet ? { ...one, keys, intact: keys !== null && intact } : one,
  );
}
