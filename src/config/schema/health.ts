import * as v from 'valibot';
import type { CanaryHealth, Health, JsonHealth, JwksHealth, TokenHealth } from '../../services/health-kinds.js';
import type { Role } from '../../services/service.js';
import { canaryFields } from './canary.js';
import { clearTextProblem, type Filling } from './clear-text.js';
import { fields, isMap, refused, type Schema, word } from './fields.js';
import { headers, tls } from './http.js';
import { absolutePath, jsonPointer, timeLimit, wholeNumber } from './scalars.js';
import { url } from './url.js';

/** Other fields of the service that its `health` and `reload` are checked against. */
export interface ServiceContext {
  /** Null when it is missing or invalid; checks that depend on it are then skipped. */
  readonly role: Role | null;
  /** Why `{address}` can't be filled in; null when it can be. */
  readonly addressProblem: string | null;
  /** It has no `reload`: it fetches keys by itself. */
  readonly fetchesItself: boolean;
  /** What `{name}` and `{address}` may become, as far as the configuration tells. */
  readonly fillings: readonly Filling[];
}

const TYPES = ['json', 'jwks', 'token', 'canary'] as const satisfies readonly Health['type'][];
type Type = (typeof TYPES)[number];

const distinct = v.optional(fields({ pointer: jsonPointer, count: wholeNumber(1, 1000) }));

/** Fields that not every type has. */
const OWN = {
  json: { kid: v.optional(jsonPointer), kids: v.optional(jsonPointer), preloaded: v.optional(jsonPointer), distinct },
  jwks: { distinct },
  token: {
    method: v.optional(word(['POST', 'GET', 'PUT']), 'POST'),
    body: v.optional(fields({ file: absolutePath })),
    token: v.optional(jsonPointer, '/access_token'),
  },
  canary: { ...canaryFields, distinct },
} as const satisfies Record<Type, v.ObjectEntries>;

/** Who may have it; why nobody else. */
const ROLES: Readonly<Record<Type, { readonly role: Role; readonly why: string } | null>> = {
  json: null,
  jwks: { role: 'verifier', why: 'a JWK Set does not say which key signs' },
  token: { role: 'signer', why: 'a token does not say which keys are accepted' },
  canary: { role: 'verifier', why: 'what is accepted does not say which key signs' },
};

function common({ addressProblem }: ServiceContext) {
  return {
    url: url({ unix: true, placeholders: true, addressProblem }),
    headers: v.optional(headers, {}),
    tls: v.optional(tls, {}),
    timeout: v.optional(timeLimit, '2s'),
    deadline: v.optional(timeLimit, '120s'),
    confirmations: v.optional(wholeNumber(1, 100), 1),
  };
}

/** The fields that only other types have: each is refused with what it is for. */
function foreign(type: Type): Record<string, Schema<undefined>> {
  const names = TYPES.flatMap((other) => Object.keys(OWN[other])).filter((name) => !Object.hasOwn(OWN[type], name));
  return Object.fromEntries(
    names.map((name) => {
      const types = TYPES.filter((other) => Object.hasOwn(OWN[other], name));
      return [name, v.optional(refused(`is for type ${allOf(types)}, and this is of type ${type}`))];
    }),
  );
}

function allOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function typeFor<T extends Type>(type: T, { role }: ServiceContext): Schema<T> {
  const may = ROLES[type];
  return v.pipe(
    v.literal(type),
    v.check(
      () => may === null || role === null || role === may.role,
      `must be json for role ${role}: ${may?.why}; ${type} is for role ${may?.role} alone`,
    ),
  );
}

function byJson(context: ServiceContext): Schema<JsonHealth> {
  const preloaded = v.pipe(
    jsonPointer,
    v.check(() => context.role !== 'verifier', 'is for a service that signs, and this one has role verifier'),
  );
  return v.pipe(
    fields({
      ...foreign('json'),
      ...common(context),
      ...OWN.json,
      type: v.optional(typeFor('json', context), 'json'),
      preloaded: v.optional(preloaded),
    }),
    v.transform(({ kid = '/kid', kids = '/kids', preloaded: held = null, distinct: workers = null, ...rest }) => ({
      ...rest,
      kid,
      kids,
      preloaded: held,
      distinct: workers,
    })),
  );
}

function byJwks(context: ServiceContext): Schema<JwksHealth> {
  return v.pipe(
    fields({ ...foreign('jwks'), ...common(context), ...OWN.jwks, type: typeFor('jwks', context) }),
    v.transform(({ distinct: workers = null, ...rest }) => ({ ...rest, distinct: workers })),
  );
}

/** A login counts against a limit: few answers in a row, and no workers to tell apart. */
const MOST_TOKENS = 5;

const loginDeadline = v.pipe(
  timeLimit,
  v.check((given) => given >= 10_000, 'must be at least 10s: tokens are asked for every 2s at most'),
);

function byToken(context: ServiceContext): Schema<TokenHealth> {
  return v.pipe(
    fields({
      ...foreign('token'),
      ...common(context),
      ...OWN.token,
      type: typeFor('token', context),
      confirmations: v.optional(wholeNumber(1, MOST_TOKENS), 1),
      deadline: v.optional(loginDeadline, '120s'),
    }),
    v.check(({ method, body }) => method !== 'GET' || body === undefined, 'a GET has no body: set method: POST'),
    v.transform(({ body = null, ...rest }) => ({ ...rest, body, distinct: null })),
  );
}

/** Longer than what most verifiers wait between two fetches for an unknown kid. */
const BETWEEN_FETCHES = 35_000;
const BETWEEN_CANARIES = 5_000;

function byCanary(context: ServiceContext): Schema<CanaryHealth> {
  const usual = context.fetchesItself ? BETWEEN_FETCHES : BETWEEN_CANARIES;
  const { url: anyUrl, ...others } = common(context);
  const concealed = v.pipe(
    anyUrl,
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? clearTextProblem(dataset.value, context.fillings) : null;
      if (message !== null) addIssue({ message });
    }),
  );
  return v.pipe(
    fields({ ...foreign('canary'), ...others, url: concealed, ...OWN.canary, type: typeFor('canary', context) }),
    v.check(
      ({ accepted, rejected }) => !accepted.some((status) => rejected.includes(status)),
      'a status is in accepted and in rejected (by default: accepted [200, 403], rejected [401])',
    ),
    v.check(
      ({ headers: named }) => !Object.keys(named).some((name) => name.toLowerCase() === 'authorization'),
      'the header Authorization carries the canary: it can not be set',
    ),
    v.transform(({ every = usual, typ = null, distinct: workers = null, ...rest }) => ({
      ...rest,
      every,
      typ,
      distinct: workers,
    })),
  );
}

/** Where an instance shows which keys it holds. */
export function health(context: ServiceContext): Schema<Health> {
  const kinds: Readonly<Record<Type, Schema<Health>>> = {
    json: byJson(context),
    jwks: byJwks(context),
    token: byToken(context),
    canary: byCanary(context),
  };
  return v.lazy((input): Schema<Health> => {
    const given = isMap(input) ? (input['type'] ?? 'json') : 'json';
    const type = TYPES.find((one) => one === given);
    // Its other fields depend on the type: those that every type has are checked all the same.
    if (type === undefined) return v.object({ ...common(context), type: word(TYPES) }) as unknown as Schema<never>;
    return kinds[type];
  });
}
