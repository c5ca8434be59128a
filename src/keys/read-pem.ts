import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { badKey } from './bad-key.js';

const BEGIN = '-----BEGIN ';
const DASHES = '-----';

interface Block {
  readonly label: string;
  /** A view of the input, from `-----BEGIN` to the end of the `-----END` line. */
  readonly bytes: Buffer;
}

export function looksLikePem(text: Buffer): boolean {
  return text.includes(BEGIN);
}

/**
 * Reads the only key in a PEM text (RFC 7468): PKCS#8, PKCS#1, SEC1, SPKI, or the public key of a certificate. The text
 * may be secret, so it never becomes a string.
 * @throws JwtrotError `bad-key`
 */
export function readPem(text: Buffer): KeyObject {
  const all = blocksOf(text);
  // `openssl ecparam -genkey` puts the curve's parameters before the key. They are redundant: the key names its curve.
  const blocks = all.length === 2 && all[0]?.label === 'EC PARAMETERS' ? all.slice(1) : all;
  const block = blocks[0];
  if (block === undefined || blocks.length > 1) {
    throw badKey(
      `the PEM holds ${blocks.length} blocks; which one is meant can't be told`,
      'give a file with one key alone',
    );
  }
  refuseEncrypted(block);
  try {
    return keyOf(block);
  } catch (error) {
    if (error instanceof Error && error.name === 'JwtrotError') throw error;
    throw badKey(`the PEM block ${block.label} can't be read; it is damaged, or of a kind that OpenSSL doesn't know`);
  }
}

function keyOf({ label, bytes }: Block): KeyObject {
  switch (label) {
    case 'PRIVATE KEY':
    case 'RSA PRIVATE KEY':
    case 'EC PRIVATE KEY':
      return createPrivateKey({ key: bytes, format: 'pem' });
    case 'PUBLIC KEY':
    case 'RSA PUBLIC KEY':
      return createPublicKey({ key: bytes, format: 'pem' });
    case 'CERTIFICATE':
      return new X509Certificate(bytes).publicKey;
    case 'OPENSSH PRIVATE KEY':
      throw badKey('the key is in the format of OpenSSH', 'convert a copy of it: ssh-keygen -p -N "" -m PKCS8 -f COPY');
    default:
      throw badKey(`a PEM block ${label} is not a key; known are PRIVATE KEY, PUBLIC KEY and CERTIFICATE`);
  }
}

function refuseEncrypted({ label, bytes }: Block): void {
  // PKCS#8, then the older form of RFC 1421.
  if (label !== 'ENCRYPTED PRIVATE KEY' && !bytes.includes('Proc-Type: 4,ENCRYPTED')) return;
  throw badKey(
    'the private key is encrypted with a passphrase',
    'decrypt it into a pipe, not into a file: openssl pkey -in FILE | jwtrot import --pem -',
  );
}

function blocksOf(text: Buffer): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  for (let begin = text.indexOf(BEGIN); begin !== -1; begin = text.indexOf(BEGIN, at)) {
    assertBlank(text.subarray(at, begin));
    const labelEnd = text.indexOf(DASHES, begin + BEGIN.length);
    const label = text.subarray(begin + BEGIN.length, Math.max(labelEnd, 0)).toString('latin1');
    if (!/^[A-Z0-9 ]{1,40}$/.test(label)) throw badKey('the PEM has a -----BEGIN line that is damaged');
    const end = text.indexOf(`${DASHES}END ${label}${DASHES}`, labelEnd);
    if (end === -1) throw badKey(`the PEM block ${label} has no end; the file is cut off`);
    at = end + `${DASHES}END ${label}${DASHES}`.length;
    blocks.push({ label, bytes: text.subarray(begin, at) });
  }
  assertBlank(text.subarray(at));
  return blocks;
}

function assertBlank(rest: Buffer): void {
  if (rest.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d))) return;
  throw badKey('there is text before or after the PEM block', 'give a file with one key alone');
}
