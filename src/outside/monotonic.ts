/** Milliseconds since this process started, by a monotonic clock. `performance.now()` is the same but loads slowly. */
export function monotonic(): number {
  return process.uptime() * 1_000;
}
