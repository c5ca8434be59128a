import * as v from 'valibot';
import type { DeliverOutlet, PublishOutlet } from '../../outlets/outlet.js';
import { argumentList, variables } from './command.js';
import { fields, list, must, oneOf, type Schema, word } from './fields.js';
import { absolutePath, fileMode, flag, timeLimit } from './scalars.js';
import { url } from './url.js';

const readBackUrl = v.optional(url({ unix: false, placeholders: false, addressProblem: null }));
const publishFormat = v.optional(word(['jwks', 'pem']), 'jwks');

const toFile: Schema<PublishOutlet> = v.pipe(
  fields({
    file: absolutePath,
    format: publishFormat,
    mode: v.optional(fileMode(0o644), '0644'),
    allowShared: v.optional(flag, false),
    url: readBackUrl,
  }),
  v.transform(({ file, url: from = null, ...rest }) => ({ type: 'file' as const, path: file, ...rest, url: from })),
);

const toDirectory: Schema<PublishOutlet> = v.pipe(
  fields({
    directory: absolutePath,
    format: v.literal('pem', must('pem: a directory gets one PEM file for each key')),
    mode: v.optional(fileMode(0o644), '0644'),
    allowShared: v.optional(flag, false),
  }),
  v.transform(({ directory: path, mode, allowShared }) => {
    return { type: 'directory' as const, path, format: 'pem-files' as const, mode, allowShared, url: null };
  }),
);

const toCommand: Schema<PublishOutlet> = v.pipe(
  fields({
    command: argumentList('{address} is not filled in here: an outlet has no instances'),
    env: v.optional(variables, []),
    format: publishFormat,
    timeout: v.optional(timeLimit, '30s'),
    url: readBackUrl,
  }),
  v.transform(({ command: argv, env, url: from = null, ...rest }) => ({
    type: 'command' as const,
    command: { argv, env },
    ...rest,
    url: from,
  })),
);

/** Outlets of the public keys. */
export const publish: Schema<PublishOutlet[]> = list(
  oneOf<PublishOutlet>({ file: toFile, directory: toDirectory, command: toCommand }, '{ file: /srv/jwks/jwks.json }'),
  'a list of outlets such as [ { file: /srv/jwks/jwks.json } ]',
);

const account: Schema<string | number> = v.custom<string | number>(
  (given) =>
    typeof given === 'number'
      ? Number.isInteger(given) && given >= 0 && given < 2 ** 32 - 1
      : typeof given === 'string' && /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(given),
  must('the name or number of an account'),
);

const secretFile: Schema<DeliverOutlet> = v.pipe(
  fields({
    file: absolutePath,
    format: v.optional(word(['pem', 'jwk']), 'pem'),
    mode: v.optional(fileMode(0o640), '0600'),
    owner: v.optional(account),
    group: v.optional(account),
    allowDisk: v.optional(flag, false),
  }),
  v.transform(({ file, owner = null, group = null, ...rest }) => ({ path: file, ...rest, owner, group })),
);

/** Outlets of the active private key. */
export const deliver: Schema<DeliverOutlet[]> = list(
  secretFile,
  'a list of outlets such as [ { file: /run/jwtrot/key.pem } ]',
);
