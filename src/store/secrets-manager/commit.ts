import { encodeManifest } from '../../keyset/manifest/encoding.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import { isDefinite } from '../../outside/aws-error.js';
import type { Snapshot } from '../store.js';
import type { SecretsApi } from './api.js';
import { manifestName, tokenOf } from './names.js';
import { isAbsence, whyNotWritable } from './reading.js';
import type { Session } from './session.js';
import { isLoss, settle } from './settle.js';

/**
 * The compare-and-swap (docs/design.md, section 5): it adds a new version that nobody reads, then moves AWSCURRENT to it
 * from the version that was read. If several writers try, AWS moves it for one of them.
 */
export async function commitManifest(
  session: Session,
  manifest: Manifest,
  base: Snapshot | null,
): Promise<Snapshot | null> {
  const name = manifestName(session.prefix, manifest.name);
  const text = encodeManifest(manifest);
  const token = tokenOf(name, text);
  // Decoding gives what will be read back (pruned), and proves that it can be read back.
  const won: Snapshot = {
    manifest: await session.decode(text, manifest.name, `the new version of ${name}`),
    version: token,
  };
  let deciding = false;
  // Failures after the put are settled below, so only errors of the first request leave here.
  const call = { operation: base === null ? 'CreateSecret' : 'PutSecretValue', resource: name };
  try {
    return await session.run(call, session.limits.method - session.limits.settle, async (api) => {
      if (base === null) {
        deciding = true;
        await api.create(name, text, token, `jwtrot: manifest of keyset ${manifest.name}`);
      } else {
        const put = await putPending(api, name, text, token);
        if (!put) return null;
        deciding = true;
        await api.moveCurrent(name, base.version, token);
      }
      return won;
    });
  } catch (error) {
    if (!deciding || (isDefinite(error) && !isLoss(error))) throw error;
    return await settle(session, { won, base, error });
  }
}

/** @returns false if the secret is gone: somebody deleted the keyset since it was read */
async function putPending(api: SecretsApi, name: string, text: string, token: string): Promise<boolean> {
  try {
    await api.putPending(name, text, token);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw await whyNotWritable(api, name, error);
  }
}
