/** Others may not read anything that jwtrot writes, unless a mode says so. */
const OWN = 0o077;
/** The unit lets a group read the store (`setup systemd --readers`), so a mode may grant that, too. */
const READERS = 0o027;

/** What must hold for this process before anything else runs. */
export function prepareProcess(): void {
  if (process.umask(OWN) === READERS) process.umask(READERS);
  // Otherwise the AWS clients warn on standard error on Node 20. It must be set before the first client is made.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  // With it Node would check no certificate, neither a service's nor AWS's.
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
}
