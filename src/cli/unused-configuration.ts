import { access } from 'node:fs/promises';
import type { Configuration } from '../config/configuration.js';
import { JwtrotError } from '../keyset/basics/error.js';
import type { Output } from './output/output.js';

const HERE = 'jwtrot.yaml';
const UNUSED = `no configuration was named or found, so this is the built-in one, with a store of its own; ./${HERE} is not used`;
const NAME_IT = `--config ${HERE}, or JWTROT_CONFIG`;

/**
 * The current folder is never searched for a configuration, but who works in a folder with one may well think so.
 * @param verb of an incident: it must not say that it did something to a key of another keyset
 * @throws JwtrotError `config-not-named` if the verb is `retire` or `rollback`
 */
export async function noteUnusedConfiguration(
  { source }: Configuration,
  verb: string,
  output: Pick<Output, 'say'>,
): Promise<void> {
  if (source !== null || !(await isThere(HERE))) return;
  if (verb === 'retire' || verb === 'rollback')
    throw new JwtrotError('usage', 'config-not-named', `${UNUSED}; nothing was changed`, { hint: NAME_IT });
  output.say(`note: ${UNUSED}: ${NAME_IT}`, 'warning');
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
