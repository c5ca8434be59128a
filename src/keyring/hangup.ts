/** One handler of the process for all keyrings: Node warns of the eleventh. */
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of [...listeners]) listener();
}

/**
 * Calls `work` on each SIGHUP, which no longer ends the process then.
 * @returns ends it; with the last one, SIGHUP ends the process again
 */
export function onHangup(work: () => void): () => void {
  const listener = () => work();
  if (listeners.size === 0) process.on('SIGHUP', tell);
  listeners.add(listener);
  return () => {
    if (listeners.delete(listener) && listeners.size === 0) process.off('SIGHUP', tell);
  };
}
