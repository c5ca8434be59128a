import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { type AwsRefusal, REFUSALS } from './aws-refusals.js';

/** Describes the failed call to people. */
export interface AwsCall {
  readonly service: 'Secrets Manager' | 'KMS';
  /** As AWS names it: `GetSecretValue`. */
  readonly operation: string;
  /** The secret's name, or the KMS key's id. */
  readonly resource: string;
  /** The state to report if the call may have taken effect. Default: nothing was changed. */
  readonly otherwise?: string;
}

interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly errors?: readonly SdkError[];
  readonly $fault?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly unheard?: number;
}

const asSdkError = (error: unknown): SdkError => (typeof error === 'object' && error !== null ? error : {});

/** The SDK's error, also when it is the cause of a `JwtrotError`. */
const under = (error: unknown): SdkError => asSdkError(error instanceof JwtrotError ? error.cause : error);

/** AWS's name for the error (`ResourceNotFoundException`), also when it is the cause of a `JwtrotError`; else empty. */
export function awsName(error: unknown): string {
  const { name } = under(error);
  return typeof name === 'string' ? name : '';
}

/** AWS's own message. */
export function awsMessage(error: unknown): string {
  const { message } = under(error);
  return typeof message === 'string' ? message : '';
}

/**
 * True when the call certainly had no effect: the service refused every attempt. False when a reply may have been lost:
 * that attempt may have taken effect, even if the last one was refused.
 */
export function isDefinite(error: unknown): boolean {
  const { $fault, $metadata, unheard } = under(error);
  if (['CredentialsProviderError', 'TokenProviderError'].includes(awsName(error)) || isRegionMissing(error))
    return true;
  return $fault === 'client' && (unheard ?? 0) === 0 && ($metadata?.httpStatusCode ?? 500) < 500;
}

function isRegionMissing(error: unknown): boolean {
  return /region is missing/i.test(awsMessage(error));
}

/** Finds what went wrong from the error's name, code, status and message. */
function refusalOf(error: SdkError): AwsRefusal | undefined {
  const name = awsName(error);
  const code = [error.code, ...(error.errors ?? []).map((one) => one.code)].find((one) => typeof one === 'string');
  const status = error.$metadata?.httpStatusCode ?? 0;
  const facts = { name, code: String(code ?? ''), status, message: awsMessage(error) };
  return REFUSALS.find((refusal) => refusal.is(facts));
}

/**
 * Copies the SDK's error without its `$response`. That refers to the request, whose headers hold the session token, and
 * `--debug` must not print it.
 */
function bare(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const { $fault, $metadata, unheard, code, errors } = asSdkError(cause);
  const copy = Object.assign(new Error(cause.message), { name: cause.name, $fault, $metadata, unheard });
  if (cause.stack !== undefined) copy.stack = cause.stack;
  const nodeCode = code ?? errors?.find((one) => typeof one.code === 'string')?.code;
  return nodeCode === undefined ? copy : Object.assign(copy, { code: nodeCode });
}

/** Turns an error of the SDK into a `JwtrotError` (kind `store`, exit 3). */
export function awsError(cause: unknown, call: AwsCall): JwtrotError {
  if (cause instanceof JwtrotError) return cause;
  const error = asSdkError(cause);
  const refusal = refusalOf(error);
  const words = awsMessage(error);
  const code = typeof error.code === 'string' ? error.code : '';
  const said = quoteOutside(
    [awsName(error), words || code].filter((text) => text !== '').join(': ') || 'no reason given',
  );
  const state = (isDefinite(cause) ? undefined : call.otherwise) ?? 'nothing was changed';
  const what = refusal?.what ?? 'failed';
  const hint = refusal?.hint({ ...call, message: words });
  return new JwtrotError(
    'store',
    refusal?.code ?? 'aws-refused',
    `${call.service} ${call.operation} of ${call.resource} ${what}: ${said}; ${state}`,
    { cause: bare(cause), ...(hint === undefined ? {} : { hint }) },
  );
}
