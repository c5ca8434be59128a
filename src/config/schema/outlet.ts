import * as v from 'valibot';
import type { DeliverFile, DeliverOutlet, PublishOutlet } from '../../outlets/configured.js';
import type { Command } from '../../outside/command.js';
import { argumentList, variables } from './command.js';
import { fields, list, must, oneOf, refused, type Schema, word } from './fields.js';
import { absolutePath, fileMode, flag, timeLimit } from './scalars.js';
import { url } from './url.js';

const NO_ADDRESS = '{address} is not filled in here: an outlet has no instances';
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
    command: argumentList(NO_ADDRESS),
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

const secretFile: Schema<DeliverFile> = v.pipe(
  fields({
    file: absolutePath,
    format: v.optional(word(['pem', 'jwk']), 'pem'),
    mode: v.optional(fileMode(0o640), '0600'),
    owner: v.optional(account),
    group: v.optional(account),
    allowDisk: v.optional(flag, false),
  }),
  v.transform(({ file, owner = null, group = null, ...rest }) => ({
    type: 'file' as const,
    path: file,
    ...rest,
    owner,
    group,
  })),
);

const HOLDS =
  'a command that prints the kid of the key that is there now, and nothing where none is, such as [/usr/local/bin/which-key]; without it nobody would notice that the key is lost, or that another one is there';

/** What it must be is told where it is missing. */
const holdsCommand: Schema<Command['argv']> = v.lazy((input) =>
  input === undefined ? refused(must(HOLDS)) : argumentList(NO_ADDRESS),
);

const secretCommand: Schema<DeliverOutlet> = v.pipe(
  fields({
    command: argumentList(NO_ADDRESS),
    holds: holdsCommand,
    env: v.optional(variables, []),
    format: v.optional(word(['pem', 'jwk']), 'pem'),
    timeout: v.optional(timeLimit, '30s'),
  }),
  v.transform(({ command, holds, env, ...rest }) => ({
    type: 'command' as const,
    command: { argv: command, env },
    holds: { argv: holds, env },
    ...rest,
  })),
);

/** Outlets of the active private key. */
export const deliver: Schema<DeliverOutlet[]> = list(
  oneOf<DeliverOutlet>({ file: secretFile, command: secretCommand }, '{ file: /run/jwtrot/key.pem }'),
  'a list of outlets such as [ { file: /run/jwtrot/key.pem } ]',
);
