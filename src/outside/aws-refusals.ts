interface Facts {
  readonly name: string;
  /** Node's error code, such as `ECONNREFUSED`. */
  readonly code: string;
  /** HTTP status; 0 when there was no reply. */
  readonly status: number;
  readonly message: string;
}

interface Asked {
  readonly service: 'Secrets Manager' | 'KMS';
  readonly operation: string;
  readonly resource: string;
  readonly message: string;
}

/** A kind of failure: AWS refuses, or does not answer. */
export interface AwsRefusal {
  readonly code: string;
  /** A predicate for the call, such as `was denied`. */
  readonly what: string;
  is(facts: Facts): boolean;
  hint(asked: Asked): string;
}

const named =
  (...names: string[]) =>
  ({ name }: Facts) =>
    names.includes(name);

const ROLE = 'to the role that jwtrot runs as (aws sts get-caller-identity names it)';

function permissionHint({ service, operation, resource, message }: Asked): string {
  if (service === 'KMS') return `allow kms:${operation} on ${resource} ${ROLE}`;
  // Access to the KMS key that encrypts the secret may be denied.
  if (/\bKMS\b/.test(message)) return `allow kms:Decrypt and kms:GenerateDataKey on the secret's KMS key ${ROLE}`;
  const on = operation === 'ListSecrets' ? '* (it takes no narrower resource)' : resource;
  return `allow secretsmanager:${operation} on ${on} ${ROLE}`;
}

const NO_ANSWER = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
];

/** The first that matches counts. The names are from each service's "Common Errors" and the pages of its operations. */
export const REFUSALS: readonly AwsRefusal[] = [
  {
    code: 'aws-region',
    what: 'was not tried',
    is: ({ message }) => /region is missing/i.test(message),
    hint: () => 'set AWS_REGION, or a region in the AWS profile',
  },
  {
    code: 'aws-clock',
    what: 'was refused for its time',
    is: ({ name, message }) =>
      ['RequestExpired', 'RequestInTheFuture', 'RequestTimeTooSkewed'].includes(name) ||
      (/Signature|Credential/.test(name) && /signature (expired|not yet current)/i.test(message)),
    hint: () => "set this host's clock: timedatectl",
  },
  {
    code: 'aws-credentials-expired',
    what: 'was refused',
    is: named('ExpiredToken', 'ExpiredTokenException'),
    hint: () => 'renew the credentials: aws sso login, or a new AWS_SESSION_TOKEN',
  },
  {
    code: 'aws-credentials',
    what: 'was not signed by anyone AWS knows',
    is: named(
      'CredentialsProviderError',
      'TokenProviderError',
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidSignatureException',
      'SignatureDoesNotMatch',
      'IncompleteSignature',
      'MissingAuthenticationToken',
      'MissingAuthenticationTokenException',
      'AuthFailure',
    ),
    hint: () => 'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this host an instance role',
  },
  {
    code: 'aws-denied',
    what: 'was denied',
    is: named('AccessDeniedException', 'AccessDenied', 'NotAuthorized', 'OptInRequired'),
    hint: permissionHint,
  },
  {
    code: 'aws-limit',
    what: 'met a limit',
    is: named('LimitExceededException'),
    hint: () =>
      'Secrets Manager keeps every version for 24 hours, about 100 in all: wait, or ask AWS for a higher quota',
  },
  {
    code: 'aws-throttled',
    what: 'was throttled',
    is: ({ name, status }) => status === 429 || /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/.test(name),
    hint: () => 'run it again in a minute; other programs may use up the rate of this account',
  },
  {
    code: 'kms-key-disabled',
    what: 'was refused',
    is: named('DisabledException', 'KMSInvalidStateException'),
    hint: ({ resource, message }) =>
      /pending deletion/i.test(message)
        ? `aws kms cancel-key-deletion --key-id ${resource}, then aws kms enable-key --key-id ${resource}`
        : `aws kms enable-key --key-id ${resource}`,
  },
  {
    code: 'kms-key-missing',
    what: 'found no such key',
    is: named('NotFoundException', 'InvalidArnException'),
    hint: ({ resource }) =>
      resource.startsWith('alias/')
        ? `aws kms create-key, then aws kms create-alias --alias-name ${resource} --target-key-id with its KeyId; or correct the region`
        : 'correct wrap.keyId or the region; aws kms create-key makes a new one',
  },
  {
    code: 'kms-key-usage',
    what: 'was refused',
    is: named('InvalidKeyUsageException', 'UnsupportedOperationException'),
    hint: () => 'wrap.keyId must be a symmetric key for ENCRYPT_DECRYPT',
  },
  {
    code: 'aws-unreachable',
    what: 'got no answer',
    is: ({ name, code }) => NO_ANSWER.includes(code) || ['TimeoutError', 'AbortError'].includes(name),
    hint: () => 'check the network, AWS_REGION and AWS_ENDPOINT_URL; then run it again',
  },
  {
    code: 'aws-tls',
    what: "met a server that it can't trust",
    is: ({ code }) => /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL/.test(code),
    hint: () =>
      'check AWS_ENDPOINT_URL; for a proxy of your own set NODE_EXTRA_CA_CERTS (under systemd as systemd/example-drop-in.conf shows)',
  },
  {
    code: 'aws-failing',
    what: 'got no usable answer',
    // The SDK throws a SyntaxError for a page that is not JSON, such as a gateway's or a proxy's.
    is: ({ name, status }) =>
      ['SyntaxError', 'AnswerTooLarge'].includes(name) ||
      status >= 500 ||
      /Internal|KeyUnavailable|Dependency/.test(name),
    hint: () => 'run it again in a minute; if AWS_ENDPOINT_URL is set, check what answers there',
  },
];
