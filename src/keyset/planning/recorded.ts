import type { Instant } from '../basics/clock.js';
import type { LeakedKey } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { isRetired } from '../manifest/states.js';
import type { RetireRequest } from '../questions/incidents.js';
import { retirementRecorded } from '../transitions/retirement.js';
import type { ActionOf } from './action.js';
import { retirementRecordedElsewhere, untoldOf } from './elsewhere.js';

/** Records a request in one commit: retirements that the store lacks, other pairs under the kid, and the key itself. */
export function requestRecorded(
  manifest: Manifest,
  { request, isElsewhere, untold = [] }: ActionOf<'record-retirement'>,
  formerLeaseEnd: Instant,
  at: Instant,
): Manifest {
  const record = isElsewhere ? retirementRecordedElsewhere : retirementRecorded;
  const { also = [], ...asked } = request;
  const told = untoldOf(manifest, untold, request).reduce(
    (next, one) => retirementRecordedElsewhere(next, one, formerLeaseEnd, at),
    manifest,
  );
  // The key itself comes last, so that its event is the newest.
  const others = also.reduce(
    (next, stray) =>
      mayEnter(stray, next) ? record(next, { ...asked, kid: stray.kid, stray }, formerLeaseEnd, at) : next,
    told,
  );
  return record(others, asked, formerLeaseEnd, at);
}

/**
 * A pair that the manifest has in use, or by another name, did not leak: it merely lies under that kid in an outlet.
 */
function mayEnter({ kid, thumbprint }: LeakedKey, { keys }: Manifest): boolean {
  return keys.every((one) => {
    const isSame = one.kid === kid && one.thumbprint === thumbprint;
    return isSame ? isRetired(one) : one.kid !== kid && one.thumbprint !== thumbprint;
  });
}

/** The request as the manifest names the pair, if only outlets had named it and a manifest has become readable. */
export function asManifestKnows(request: RetireRequest, manifest: Manifest | null): RetireRequest {
  const { stray, ...rest } = request;
  if (stray === undefined || request.isUnsure !== true || manifest === null) return request;
  const named = manifest.keys.find((one) => one.kid === request.kid);
  if (named !== undefined && named.thumbprint !== stray.thumbprint)
    return { ...rest, also: [{ ...stray, kid: stray.thumbprint }, ...(rest.also ?? [])] };
  const pair = manifest.keys.find((one) => one.thumbprint === stray.thumbprint);
  return pair === undefined || pair.kid === request.kid ? request : { ...rest, kid: pair.kid };
}
