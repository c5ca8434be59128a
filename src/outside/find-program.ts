import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { FIXED_PATH } from './command.js';

/** Whether a command's program is there and may be executed, found as `runCommand` finds it. */
export async function isExecutable(program: string, path = FIXED_PATH): Promise<boolean> {
  const places = program.includes('/') ? [program] : path.split(':').map((folder) => `${folder}/${program}`);
  const found = await Promise.all(
    places.map((place) =>
      access(place, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
