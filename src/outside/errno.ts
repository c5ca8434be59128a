/** @returns the code of a failed system call, such as `ENOENT`; empty for any other error */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
