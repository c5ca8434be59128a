import type { ExitCode } from '../../keyset/error.js';
import { JwtrotError } from '../../keyset/error.js';
import { worstExit } from '../../rollout/rotate.js';
import { type SyncResult, syncKeyset } from '../../rollout/sync.js';
import { openContexts } from '../contexts.js';
import { open } from '../open.js';
import { describeError } from '../output/output.js';
import type { Verb } from '../verb.js';

interface SyncOptions {
  readonly acceptOlder?: boolean;
}

/** `jwtrot sync`: the outlets of this host, from the manifest, and nothing else. */
export const sync: Verb<SyncOptions> = async (options, environment, output) => {
  const opened = await open(options, environment);
  const contexts = await openContexts(opened, environment, output, 'sync');
  const exits: ExitCode[] = [];
  const keysets: object[] = [];
  for (const context of contexts) {
    try {
      const result = await syncKeyset(context, { acceptOlder: options.acceptOlder === true });
      keysets.push(result);
      if (!output.json && !output.quiet) output.result(`${context.name}: ${describe(result)}`);
    } catch (error) {
      const { code, message, hint, exit } = describeError(error);
      exits.push(exit as ExitCode);
      keysets.push({ name: context.name, error: { code, message, hint, exit } });
      if (!output.json) output.failure(error);
      if (!(error instanceof JwtrotError)) break;
    }
  }
  const failed = keysets.find((keyset) => 'error' in keyset);
  if (output.json)
    output.document({
      schema: 1,
      keysets,
      ...(failed === undefined ? {} : { error: (failed as { error: object }).error }),
    });
  return worstExit(exits);
};

function describe({ revision, written }: SyncResult): string {
  if (revision === null) return 'nothing to write yet: the keyset does not exist (jwtrot rotate makes it)';
  const what = [written.publish ? 'the JWKS' : '', written.deliver ? 'the signing key' : ''].filter(Boolean);
  return what.length === 0
    ? `outlets hold revision ${revision} already`
    : `wrote ${what.join(' and ')} of revision ${revision}`;
}
