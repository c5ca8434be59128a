import type { KeysetConfiguration } from '../../config/configuration.js';
import { ALGORITHM_NAMES, isAlgorithm } from '../../keyset/algorithm.js';
import { JwtrotError } from '../../keyset/error.js';
import { quoteOutside } from '../../keyset/outside-text.js';
import { keyOf } from '../../keyset/transitions.js';
import { adoptKey, type ForeignKey } from '../../rollout/adopt.js';
import { openContexts } from '../contexts.js';
import type { Environment } from '../environment.js';
import { readKeyFile } from '../find-key.js';
import { onlyKeyset } from '../only-keyset.js';
import { open } from '../open.js';
import { nameKey } from '../output/words.js';
import type { Verb } from '../verb.js';

interface ImportOptions {
  readonly pem?: string;
  readonly jwk?: string;
  readonly public?: string;
  readonly kid?: string;
  readonly alg?: string;
}

/** `jwtrot import`: the key in use today goes on being accepted, and signing, when jwtrot takes over. */
export const importKey: Verb<ImportOptions> = async (options, environment, output) => {
  const opened = await open(options, environment);
  const keyset = onlyKeyset(opened, 'import');
  const key = await readForeignKey(options, keyset, environment);
  const [context] = await openContexts({ ...opened, keysets: [keyset] }, environment, output, 'import');
  if (context === undefined) throw new Error('a keyset that was found has no context');
  const manifest = await adoptKey(context, key);
  const adopted = keyOf(manifest, key.kid);
  if (output.json) {
    output.document({
      schema: 1,
      keysets: [{ name: keyset.name, kid: adopted.kid, alg: adopted.alg, state: adopted.state }],
    });
    return 0;
  }
  output.result(`${keyset.name}: imported ${nameKey(adopted)} (${adopted.alg}) as ${adopted.state}`);
  output.say('next: jwtrot rotate publishes it; import any other key in use first');
  return 0;
};

async function readForeignKey(
  options: ImportOptions,
  keyset: KeysetConfiguration,
  environment: Environment,
): Promise<ForeignKey> {
  const given = (['pem', 'jwk', 'public'] as const).filter((kind) => options[kind] !== undefined);
  const [kind, ...more] = given;
  if (kind === undefined || more.length > 0) {
    throw new JwtrotError('usage', 'which-key', 'give exactly one of --pem, --jwk and --public; nothing was changed', {
      hint: 'jwtrot import --pem FILE',
    });
  }
  if (options.alg !== undefined && !isAlgorithm(options.alg)) {
    throw new JwtrotError('usage', 'bad-alg', `${quoteOutside(options.alg)} is not an algorithm that jwtrot knows`, {
      hint: `one of ${ALGORITHM_NAMES.join(', ')}`,
    });
  }
  const { parseKey, algorithmFor } = await import('../../keys/import-key.js');
  const text = await readKeyFile(options[kind] ?? '-', environment);
  try {
    const parsed = await parseKey(text, { kind });
    const kid = options.kid ?? parsed.kid ?? parsed.thumbprint;
    if (kid.length === 0 || kid.length > 256) {
      throw new JwtrotError(
        'usage',
        'bad-kid',
        `a kid has 1 to 256 characters, not ${kid.length}; nothing was changed`,
        { hint: '--kid KID' },
      );
    }
    const alg = algorithmFor(parsed.publicJwk, options.alg ?? parsed.alg, keyset.policy.alg);
    return {
      kid,
      thumbprint: parsed.thumbprint,
      alg,
      publicJwk: parsed.publicJwk,
      privateKey: kind === 'public' ? null : parsed.privateKey,
    };
  } finally {
    text.fill(0);
  }
}
