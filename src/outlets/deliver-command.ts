import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { sameTold } from '../keyset/published/told.js';
import type { DeliverCommand } from './configured.js';
import { type DeliverSurroundings, deliver, holdsTime, surroundingsOf } from './deliver-by-command.js';
import { type Delivered, readDelivered } from './delivered-record.js';
import { openDirectory } from './directory.js';
import { askHolds } from './holds.js';
import { OBSERVE_LIMIT } from './limits.js';
import { privateKeyText } from './private-key-text.js';
import { NOTHING, type Sight, UNREADABLE } from './sight.js';
import type { Target } from './target.js';

/** A program that takes the active private key on its standard input, and another that says which key is there. */
export function deliverCommand(outlet: DeliverCommand, given: Omit<DeliverSurroundings, 'memory'>): Target {
  const surroundings: DeliverSurroundings = { ...given, memory: { isSilent: false } };
  const { stateDirectory: folder, clock } = surroundings;
  const name = recordName(outlet, surroundings);
  return {
    label: `deliver command ${basename(outlet.command.argv[0])}`,
    kind: 'deliver',
    format: outlet.format,
    isCommand: true,
    runs: outlet.timeout + holdsTime(outlet),
    folder,
    name,
    async openFolder() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return openDirectory(folder, { follow: true });
    },
    flawOf: async () => null,
    async observe(path, limit) {
      const record = await readDelivered(path);
      const timeout = Math.min(outlet.timeout, limit);
      const isHurried = limit <= OBSERVE_LIMIT.hurried;
      const asking = surroundingsOf(this.label, surroundings, { record, timeout, isHurried });
      const kid = await askHolds(outlet.holds, asking);
      return sightOf(kid, record, clock.now());
    },
    holds({ keys, intact, alg, told }, { active }) {
      if (active === null) return keys === null;
      if (!intact || keys?.length !== 1 || keys[0]?.kid !== active.kid) return false;
      return outlet.format === 'pem' || (alg === active.alg && sameTold(told, active.told));
    },
    text: (content, privateKey) => privateKeyText(outlet.format, content, privateKey),
    async put(putting) {
      await deliver({ outlet, label: this.label, name }, putting, surroundings);
    },
  };
}

/** A changed command line is another outlet, which was given nothing yet. */
function recordName({ command, holds, format }: DeliverCommand, { keyset }: DeliverSurroundings): string {
  const id = createHash('sha256').update(JSON.stringify([command.argv, holds.argv, format]));
  return `${keyset}-${id.digest('hex').slice(0, 16)}.delivered`;
}

function sightOf(kid: string | null, record: Delivered | 'none' | 'damaged', now: number): Sight {
  const given = typeof record === 'string' ? null : record;
  const busy = given === null || given.until === null ? {} : { busyUntil: given.until };
  if (kid === null) return { ...NOTHING, ...busy };
  // A command that nobody saw end may have written last, if only by half.
  const isOver = given?.settled === true && given.until !== null && now >= given.until;
  const intact = record === 'none' || (given?.settled === true && !isOver);
  const there = { ...UNREADABLE, foreign: false, intact, ...busy };
  if (given?.kid !== kid) return { ...there, keys: [{ kid, thumbprint: '', isSaid: true }] };
  const { thumbprint, alg, told, sha256 } = given;
  return { ...there, keys: [{ kid, thumbprint, alg }], alg, told, sha256: given.settled ? sha256 : null };
}
