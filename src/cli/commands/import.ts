import type { KeysetConfiguration } from '../../config/configuration.js';
import { ALGORITHM_NAMES, isAlgorithm } from '../../keyset/basics/algorithm.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import { quoteOutside, shellWord } from '../../keyset/basics/outside-text.js';
import { keyOf } from '../../keyset/transitions/all.js';
import { isSayable } from '../../outlets/holds.js';
import { isFileKid } from '../../outlets/pem-files.js';
import { adoptKey } from '../../rollout/adopt.js';
import type { ForeignKey } from '../../rollout/adoptable.js';
import { openContexts } from '../contexts.js';
import type { Environment } from '../environment.js';
import { readKeyFile, withFile } from '../key-file.js';
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

/** `jwtrot import`: when jwtrot takes over, the key in use today goes on signing, and its tokens stay accepted. */
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

/** @throws JwtrotError `which-key` */
function formOf(options: ImportOptions): 'pem' | 'jwk' | 'public' {
  const [kind, ...more] = (['pem', 'jwk', 'public'] as const).filter((one) => options[one] !== undefined);
  if (kind !== undefined && more.length === 0) return kind;
  throw new JwtrotError('usage', 'which-key', 'give exactly one of --pem, --jwk and --public; nothing was changed', {
    hint: 'jwtrot import --pem FILE',
  });
}

async function readForeignKey(
  options: ImportOptions,
  keyset: KeysetConfiguration,
  environment: Environment,
): Promise<ForeignKey> {
  const kind = formOf(options);
  const file = options[kind] ?? '-';
  if (options.alg !== undefined && !isAlgorithm(options.alg)) {
    throw new JwtrotError('usage', 'bad-alg', `${quoteOutside(options.alg)} is not an algorithm that jwtrot knows`, {
      hint: `one of ${ALGORITHM_NAMES.join(', ')}`,
    });
  }
  const { parseKey, algorithmFor } = await import('../../keys/import-key.js');
  const text = await readKeyFile(file, 'adopted', environment);
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
    assertHasFile(kid, keyset);
    if (kind !== 'public') assertSayable(kid, keyset);
    const alg = algorithmFor(parsed.publicJwk, options.alg ?? parsed.alg, keyset.policy.alg);
    return {
      kid,
      thumbprint: parsed.thumbprint,
      alg,
      publicJwk: parsed.publicJwk,
      privateKey: kind === 'public' ? null : parsed.privateKey,
      given: givenAs(kind, file, keyset.name, kid),
    };
  } catch (error) {
    throw withFile(error, file, 'adopted');
  } finally {
    text.fill(0);
  }
}

/** @throws JwtrotError `bad-kid` for a key that could not be published everywhere */
function assertHasFile(kid: string, { publish }: KeysetConfiguration): void {
  const directory = publish.find((outlet) => outlet.type === 'directory');
  if (directory?.type !== 'directory' || isFileKid(kid)) return;
  throw new JwtrotError(
    'usage',
    'bad-kid',
    `the kid ${quoteOutside(kid)} can't be the name of a file, and ${directory.path} gets one for each key; nothing was changed`,
    { hint: '--kid KID, if its tokens can carry another; or publish a JWKS instead, which may hold any kid' },
  );
}

/** @throws JwtrotError `bad-kid` for a key that could sign, and that no `holds` could show to be delivered */
function assertSayable(kid: string, { deliver }: KeysetConfiguration): void {
  if (isSayable(kid) || deliver.every((outlet) => outlet.type === 'file')) return;
  throw new JwtrotError(
    'usage',
    'bad-kid',
    `the kid ${quoteOutside(kid)} is not one word of at most 200 characters, so holds of a deliver command can't print it; nothing was changed`,
    { hint: '--kid KID, if its tokens can carry another; or deliver a file instead, which may hold any kid' },
  );
}

/** How to give the key again, for a refusal. Standard input was used up, so the person has to name the file there. */
export function givenAs(kind: string, file: string, keyset: string, kid: string): NonNullable<ForeignKey['given']> {
  const isInput = file === '-' || file === '/dev/stdin';
  const path = shellWord(file);
  const jq = `jq 'del(.d, .p, .q, .dp, .dq, .qi)' ${isInput ? '< FILE' : path}`;
  const openssl = isInput ? 'openssl pkey -pubout < FILE' : `openssl pkey -in ${path} -pubout`;
  const asPublic = `${kind === 'jwk' ? jq : openssl} | jwtrot import --keyset ${keyset} --public - --kid=${shellWord(kid)}`;
  return { file: isInput ? '- < FILE' : path, asPublic };
}
