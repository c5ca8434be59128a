import { join } from 'node:path';
import { publicJwkOf } from '../../keys/public-key.js';
import { thumbprintOf } from '../../keys/thumbprint.js';
import { inspectOutlets, outletRecordPath } from '../../outlets/inspect.js';
import { PEM_FILES } from '../../outlets/names.js';
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
      const isDirectory = (label: string) =>
        outlets.publish.some((one) => one.type === 'directory' && one.path === label);
      const files = labels.map((label) => (isDirectory(label) ? join(label, PEM_FILES) : label));
      for (const path of files) await unlessMissing(realFiles.unlink(outletRecordPath(path)), undefined);
    },
    async publicHalf(privateKey) {
      const publicJwk = publicJwkOf(privateKey);
      return { publicJwk, thumbprint: await thumbprintOf(publicJwk) };
    },
  };
}
