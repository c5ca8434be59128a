import { afterAll } from 'vitest';
import { openSite, type Site } from './fixtures.js';
import { World } from './world.js';

/**
 * A site as `prepare` left it: made for the first test of a file that asks for it, put back for each other one. The services
 * go on running and start anew; where a test has ended or stopped one of them, all is made again.
 */
export function scene(prepare: (site: Site) => Promise<void>): () => Promise<Site> {
  return kept(openSite, prepare, async ({ issuer, gateway }) => {
    const restarted = await Promise.allSettled([issuer.restart(), gateway.restart()]);
    return restarted.every(({ status }) => status === 'fulfilled');
  });
}

/** The same of a world without services. */
export function worldScene(prepare: (world: World) => Promise<void>): () => Promise<World> {
  const inWorld = kept(
    async () => ({ world: new World() }),
    ({ world }) => prepare(world),
    async () => true,
  );
  return async () => (await inWorld()).world;
}

function kept<T extends { readonly world: World }>(
  open: () => Promise<T>,
  prepare: (made: T) => Promise<void>,
  isAnew: (made: T) => Promise<boolean>,
): () => Promise<T> {
  const opened: T[] = [];
  /** Null until it is prepared: what came to half of it is of no use to the next test. */
  let whole: T | null = null;
  afterAll(() => Promise.all(opened.map(({ world }) => world.close())));
  return async () => {
    const before = whole;
    whole = null;
    if (before !== null && (await before.world.putBack()) && (await isAnew(before))) {
      whole = before;
      return before;
    }
    await before?.world.close();
    const made = await open();
    opened.push(made);
    await prepare(made);
    made.world.keep();
    whole = made;
    return made;
  };
}

/** Runs that must succeed: they make what a test begins from. */
export async function runAll({ world }: Pick<Site, 'world'>, ...commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const { code, stderr } = await world.run(command.split(' '));
    if (code !== 0) throw new Error(`jwtrot ${command} ended with ${code}: ${stderr}`);
  }
}
