import type { Algorithm } from '../keyset/basics/algorithm.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { Key, PublicJwk } from '../keyset/manifest/key.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { isRetired } from '../keyset/manifest/states.js';
import { activeKey } from '../keyset/questions/keys.js';
import type { Ledger } from './ledger.js';
import { keyReturned } from './other-history.js';

/** A key that is in use today. */
export interface ForeignKey {
  readonly kid: string;
  readonly thumbprint: string;
  readonly alg: Algorithm;
  readonly publicJwk: PublicJwk;
  /** PKCS#8 DER; null: it can only verify. Overwritten afterwards. */
  readonly privateKey: Uint8Array | null;
  /** For the hint of a refusal, as shell words: the file that it was read from, and how to import its public half. */
  readonly given?: { readonly file: string; readonly asPublic: string };
}

/** @throws JwtrotError `retired-key`, `has-active-key`, `kid-used`: nothing was changed */
export function assertAdoptable(keyset: string, ledger: Pick<Ledger, 'manifest' | 'history'>, key: ForeignKey): void {
  const { manifest } = ledger;
  const same = manifest?.keys.find((one) => one.thumbprint === key.thumbprint) ?? null;
  if ((same !== null && isRetired(same)) || ledger.history.memory.isRetired(key.thumbprint))
    throw keyReturned(keyset, same?.kid ?? key.kid);
  if (manifest === null) return;
  const active = activeKey(manifest);
  if (active !== null && active === same) throw thereAlready(keyset, same);
  if (active !== null && key.privateKey !== null) throw hasActive(keyset, active, key);
  if (same !== null && (same.state !== 'creating' || same.kid !== key.kid)) throw thereAlready(keyset, same);
  const namesake = sameName(manifest, key);
  if (namesake !== undefined) throw nameUsed(keyset, namesake);
}

/** Another key that has this kid, or whose thumbprint is this kid. */
function sameName({ keys }: Manifest, { kid, thumbprint }: ForeignKey): Key | undefined {
  return keys.find((one) => one.thumbprint !== thumbprint && (one.kid === kid || one.thumbprint === kid));
}

/** The hint lists what to do instead, by the reason for the import. */
function hasActive(keyset: string, active: Key, { given }: ForeignKey): JwtrotError {
  const { file, asPublic } = given ?? { file: 'FILE', asPublic: `jwtrot import --keyset ${keyset} --public FILE` };
  return new JwtrotError(
    'refused',
    'has-active-key',
    `keyset ${keyset} has an active key already, v${active.version} ${active.kid}, and one key signs at a time; nothing was changed`,
    {
      hint: [
        `to accept its tokens as well: ${asPublic}`,
        `if it has to sign, since the store was restored from a backup: jwtrot store recover --keyset ${keyset}`,
        `if it leaked: jwtrot retire --keyset ${keyset} --key ${file}`,
      ].join('; '),
    },
  );
}

function thereAlready(keyset: string, { kid, version, state }: Key): JwtrotError {
  return new JwtrotError(
    'refused',
    state === 'active' ? 'has-active-key' : 'kid-used',
    `keyset ${keyset} has this very key already, as v${version} ${kid} (${state}); nothing was changed`,
    { hint: state === 'active' ? 'there is nothing to do: jwtrot status' : 'jwtrot status shows its keys' },
  );
}

function nameUsed(keyset: string, { kid, version, state }: Key): JwtrotError {
  return new JwtrotError(
    'refused',
    'kid-used',
    `keyset ${keyset} has had another key named ${quoteOutside(kid)}, v${version} (${state}), and a kid is never used again; nothing was changed`,
    { hint: `give it another name: jwtrot import --keyset ${keyset} --kid OTHER …; tokens must carry that kid then` },
  );
}
