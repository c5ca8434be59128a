import { own } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { errnoOf } from './errno.js';

const FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed before the answer was complete',
  EPIPE: 'connection closed before the answer was complete',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'the name server does not answer',
  ENOENT: 'no such socket',
  EACCES: 'permission denied on the socket',
  HPE_HEADER_OVERFLOW: 'headers longer than 16 KiB',
};

/** OpenSSL's verification results (`X509_V_ERR_*` as Node spells them) and Node's host name check. */
const CERTIFICATE =
  /CERT|^UNABLE_TO_|^(INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED|ERR_TLS_CERT_ALTNAME_INVALID)$/;

/** Says in one line why a request failed. */
export function httpFault(error: unknown): string {
  const code = errnoOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const known = own(FAULTS, code);
  if (known !== undefined) return known;
  if (code.startsWith('HPE_')) return `not HTTP: ${quoteOutside(message)}`;
  if (CERTIFICATE.test(code)) return `certificate: ${quoteOutside(message)}`;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_OSSL_')) {
    return `TLS: ${quoteOutside(message)}`;
  }
  return quoteOutside(code === '' ? message : `${code}: ${message}`);
}
