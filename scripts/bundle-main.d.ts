/** @param from a folder of tests with a `main.ts` @param outfile where it is written */
export function bundleMain(from: string, outfile: string): Promise<void>;
