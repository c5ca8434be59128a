import { writeSync } from 'node:fs';
import { createDirectoryStore } from '../../../src/store/directory.js';
import { firstManifest, jweWrapped, newPair, thumbprintOf, withEvent } from '../../support/manifest.js';

// A process that commits as fast as it can until it is killed, and says each commit that it has won.
const [path = '', name = ''] = process.argv.slice(2);
const clock = { now: Date.now, monotonic: () => performance.now(), sleep: () => Promise.resolve() };
const store = createDirectoryStore({ path, clock, uid: process.getuid?.() ?? 0, thumbprintOf });

writeSync(1, 'ready\n');
for (let count = 0; ; count++) {
  const base = await store.readManifest('api');
  const manifest = base === null ? firstManifest('api') : withEvent(base.manifest, `${name}-${count}`);
  const won = await store.commitManifest({ ...manifest, events: manifest.events.slice(-50) }, base);
  if (won !== null) writeSync(1, `${won.manifest.revision} ${won.manifest.commits.at(-1)?.id}\n`);
  if (count % 5 === 0) {
    const pair = await newPair();
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    writeSync(1, `key ${pair.thumbprint}\n`);
  }
}
