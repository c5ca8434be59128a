import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { KeysetRecord } from '../../src/keyset/history/record.js';
import type { Records } from '../../src/records/records.js';
import type { Runner, SimHost } from './runner.js';
import type { World } from './world.js';

function failed(what: string): JwtrotError {
  return new JwtrotError('store', 'record-failed', `the simulated disk did not ${what} what this host remembers`);
}

function damaged(): JwtrotError {
  return new JwtrotError('refused', 'record-damaged', 'what this host remembers is damaged; nothing was changed', {
    hint: 'jwtrot store recover --keyset api',
  });
}

/**
 * What a simulated host remembers of the keyset. It lies on the host's disk, so it survives a reboot. The disk may be
 * full, or report an error although the record was written; the record may be damaged, or gone.
 */
export function recordsOf(world: World, host: SimHost, runner: Runner): Records {
  const at = (record: KeysetRecord | null) => (record === null ? 'nothing' : `revision ${record.revision}`);
  const strikes = () => world.strikes(runner.source, 'record')?.random ?? null;
  const read = () => {
    if (host.recordIsDamaged) throw damaged();
    return host.record;
  };
  return {
    read: () =>
      world.call(runner, () => {
        if (strikes() !== null) throw failed('read');
        return read();
      }),
    update: (change, { overDamaged = false } = {}) =>
      world.call(runner, () => {
        const fault = strikes()?.pick(['before', 'after'] as const);
        const former = overDamaged && host.recordIsDamaged ? null : read();
        if (fault === 'before') throw failed('write');
        const next = change(former);
        if (next !== null && next !== former) {
          if (next.revision !== former?.revision) world.say(runner, () => `remembers ${at(next)}`);
          host.record = next;
          host.recordIsDamaged = false;
        }
        if (fault === 'after') throw failed('say whether it wrote');
      }),
  };
}
