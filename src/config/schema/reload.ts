import * as v from 'valibot';
import type { Reload } from '../../services/service.js';
import { argumentList, variables } from './command.js';
import { fields, isMap, oneOf, refused, type Schema, word } from './fields.js';
import type { ServiceContext } from './health.js';
import { headers, tls } from './http.js';
import { absolutePath, flag, text, timeLimit, wholeNumber } from './scalars.js';
import { placeholderProblem, url } from './url.js';

const timeout = v.optional(timeLimit, '60s');
const SIGNALS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

export function reload(context: ServiceContext): Schema<Reload> {
  const kinds = oneOf<Reload>(
    {
      systemd: bySystemd(context),
      command: byCommand(context),
      signal: bySignal(context),
      http: byHttp(context),
      none,
    },
    '{ systemd: issuer.service }',
  );
  return v.lazy((input) =>
    input === 'none'
      ? v.pipe(
          v.unknown(),
          v.transform(() => NONE),
        )
      : kinds,
  );
}

const NONE: Reload = { type: 'none' };

const none: Schema<Reload> = v.pipe(
  fields({ none: v.literal(true, 'must be true; to reload, say how instead') }),
  v.transform(() => NONE),
);

/** A unit's name (systemd.unit(5)), in which `{name}` and `{address}` are filled in. */
function unit({ addressProblem }: ServiceContext): Schema<string> {
  return v.pipe(
    text(
      'a systemd unit such as issuer.service',
      /^[A-Za-z0-9:_.@\\{][A-Za-z0-9:_.@\\{}-]*\.(?:service|socket|target|path|timer)$/,
    ),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? placeholderProblem(dataset.value, { placeholders: true, addressProblem }) : null;
      if (message !== null) addIssue({ message });
    }),
  );
}

function bySystemd(context: ServiceContext): Schema<Reload> {
  return v.pipe(
    fields({
      systemd: unit(context),
      action: v.optional(word(['start', 'reload', 'restart', 'reload-or-restart']), 'reload'),
      timeout,
    }),
    v.transform(({ systemd, ...rest }) => ({ type: 'systemd' as const, unit: systemd, ...rest })),
  );
}

function byCommand({ addressProblem }: ServiceContext): Schema<Reload> {
  return v.pipe(
    fields({
      command: argumentList(addressProblem),
      env: v.optional(variables, []),
      timeout,
      waits: v.optional(flag, false),
    }),
    v.transform(({ command: argv, env, timeout: limit, waits }) => ({
      type: 'command' as const,
      command: { argv, env },
      timeout: limit,
      waits,
    })),
  );
}

/** `HUP` and `SIGHUP` mean the same. KILL and STOP can't reload a service. */
const signal: Schema<NodeJS.Signals> = v.lazy((input) => {
  const name = typeof input === 'string' && !input.startsWith('SIG') ? `SIG${input}` : input;
  const known = SIGNALS.find((candidate) => candidate === name);
  if (known !== undefined)
    return v.pipe(
      v.unknown(),
      v.transform(() => known),
    );
  return word(SIGNALS.map((candidate) => candidate.slice(3))) as Schema<never>;
});

function bySignal({ addressProblem }: ServiceContext): Schema<Reload> {
  const pidFile = v.pipe(
    absolutePath,
    v.check((path) => addressProblem === null || !path.includes('{address}'), addressProblem ?? ''),
  );
  const target = v.lazy((input) => {
    const given = isMap(input) ? ['pidFile', 'pid'].filter((name) => Object.hasOwn(input, name)) : [];
    if (given.length === 2) return refused('pidFile and pid exclude each other');
    const base = { signal, timeout };
    return given[0] === 'pid' ? fields({ ...base, pid: wholeNumber(2, 2 ** 22) }) : fields({ ...base, pidFile });
  });
  return v.pipe(
    target,
    v.transform(({ signal: name, timeout: limit, ...rest }) => ({
      type: 'signal' as const,
      signal: name,
      target: rest,
      timeout: limit,
    })),
  );
}

function byHttp({ addressProblem }: ServiceContext): Schema<Reload> {
  return v.pipe(
    fields({
      http: url({ unix: true, placeholders: true, addressProblem }),
      method: v.optional(word(['POST', 'PUT', 'GET']), 'POST'),
      headers: v.optional(headers, {}),
      tls: v.optional(tls, {}),
      timeout,
    }),
    v.transform(({ http, ...rest }) => ({ type: 'http' as const, url: http, ...rest })),
  );
}
