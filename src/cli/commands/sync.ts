import { EXIT, type ExitCode, JwtrotError, worstExit } from '../../keyset/basics/error.js';
import { type SyncResult, syncKeyset } from '../../rollout/sync.js';
import { openContexts } from '../contexts.js';
import { open } from '../open.js';
import { errorDocument } from '../output/describe-error.js';
import type { Verb } from '../verb.js';

/** `jwtrot sync`: writes this host's outlets from the manifest, and nothing else. */
export const sync: Verb<object> = async (options, environment, output) => {
  const opened = await open(options, environment, 'reads');
  const contexts = await openContexts(opened, environment, output, 'sync');
  const exits: ExitCode[] = [];
  const keysets: object[] = [];
  for (const context of contexts) {
    try {
      const result = await syncKeyset(context);
      keysets.push(documentOf(result));
      exits.push(...result.problems.map(({ kind }): ExitCode => EXIT[kind]));
      if (!output.json && !output.quiet) output.result(`${context.name}: ${describe(result)}`);
      for (const { message, hint } of result.problems) output.problem(`keyset ${context.name}: ${message}`, hint);
    } catch (error) {
      const described = errorDocument(error);
      exits.push(described.exit as ExitCode);
      keysets.push({ name: context.name, error: described });
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

function documentOf({ problems, ...result }: SyncResult): object {
  return { ...result, problems: problems.map(({ code, message, hint }) => ({ code, message, hint })) };
}

function describe({ revision, written, problems }: SyncResult): string {
  if (revision === null) return 'nothing to write yet: the keyset does not exist (jwtrot rotate makes it)';
  const what = [written.publish ? 'the JWKS' : '', written.deliver ? 'the signing key' : ''].filter(Boolean);
  if (what.length === 0 && problems.length > 0) return `wrote nothing of revision ${revision}`;
  return what.length === 0
    ? `outlets hold revision ${revision} already`
    : `wrote ${what.join(' and ')} of revision ${revision}`;
}
