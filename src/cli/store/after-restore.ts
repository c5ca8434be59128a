import { quoteOutside, shellWord } from '../../keyset/basics/outside-text.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import { hostId } from '../../outside/linux-host.js';
import type { CheckedKeyset } from '../../store/directory/contents.js';
import type { Environment } from '../environment.js';
import type { Opened } from '../open.js';
import { suspicionOf } from '../other-history.js';
import type { Suspicion } from '../suspicion.js';

/** What to do after a restore. */
export interface NextStep {
  readonly keyset: string;
  readonly command: string;
  readonly why: string;
}

/** This host and its outlets may know more than the backup. Another host knows nothing. */
export async function afterRestore(
  keysets: readonly CheckedKeyset[],
  opened: Opened,
  environment: Environment,
): Promise<NextStep[]> {
  const self = hostId();
  const steps: NextStep[] = [];
  for (const { name, decoded } of keysets) {
    const keyset = opened.configuration.keysets.find((one) => one.name === name);
    // No verb works on a keyset that is not configured here.
    if (decoded === null || keyset === undefined) continue;
    steps.push({ keyset: name, ...stepFor(await suspicionOf(opened, environment, keyset, decoded), decoded, self) });
  }
  return steps.length === 1
    ? steps
    : steps.map((step) => ({ ...step, command: `${step.command} --keyset ${step.keyset}` }));
}

export function stepFor(other: Suspicion | null, manifest: Manifest, self: string): Omit<NextStep, 'keyset'> {
  const recover = 'jwtrot store recover';
  if (other?.why === 'record-damaged') return { command: recover, why: 'what this host remembers of it is damaged' };
  if (other?.why === 'outlet-ahead')
    return { command: recover, why: 'an outlet was written from a later history of it' };
  if (other?.untold !== undefined)
    return {
      command: `jwtrot retire --kid ${shellWord(other.knownAs ?? other.untold)}`,
      why: 'this host has retired it, and the store was not told',
    };
  if (other !== null) return { command: recover, why: 'this host knows a later history of it' };
  if (manifest.host !== null && manifest.host.id !== self) {
    return { command: 'jwtrot rotate --take-over', why: `it belongs to host ${quoteOutside(manifest.host.hostname)}` };
  }
  return { command: 'jwtrot rotate', why: 'this host and its outlets know of nothing later' };
}
