import { publicJwkOf } from '../../keys/public-key.js';
import { thumbprintOf } from '../../keys/thumbprint.js';
import { inspectOutlets, outletRecordPath } from '../../outlets/inspect.js';
import { realFiles, unlessMissing } from '../../outside/durable-files.js';
import type { KeysetContext } from '../../rollout/context.js';
import type { RecoveryTools } from '../../rollout/gather.js';
import { shieldMemory } from '../private-memory.js';

/** Access to outlets and keys of this host for a recovery. */
export function recoveryTools({ outlets, policy }: KeysetContext): RecoveryTools {
  return {
    async inspectOutlets(record) {
      await shieldMemory();
      return inspectOutlets(outlets, record, policy.alg);
    },
    async dropRecords(labels) {
      for (const path of labels) await unlessMissing(realFiles.unlink(outletRecordPath(path)), undefined);
    },
    async publicHalf(privateKey) {
      const publicJwk = publicJwkOf(privateKey);
      return { publicJwk, thumbprint: await thumbprintOf(publicJwk) };
    },
  };
}
