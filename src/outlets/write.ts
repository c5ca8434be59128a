import { JwtrotError } from '../keyset/error.js';
import { quoteOutside } from '../keyset/outside-text.js';
import type { OutletContent } from '../keyset/projection.js';
import { removeLeftovers } from './atomic-file.js';
import { assertPublic, publishText } from './content.js';
import { assertNotOlder, type MarkContent, readMark, writeMark } from './mark.js';
import type { OutletWriter, Written } from './outlet.js';
import type { Place, Places } from './place.js';
import { outletProblem } from './problem.js';
import type { Sight } from './sight.js';
import type { Target, Writing } from './target.js';

interface Looked extends Place {
  readonly written: MarkContent;
  readonly sight: Sight;
}

/** Writes under the lock that `places` stands for. */
export function createWriter({ places, unplaced }: Places, newId: () => string): OutletWriter {
  return {
    async write(content, privateKey, { acceptOlder, again, signal }) {
      assertPublic(content);
      const looked = await Promise.all(places.map(lookAt));
      // Nothing is written anywhere when one outlet shows that this run must not write.
      for (const place of looked) assertMayWrite(place, content, acceptOlder);
      const key = once(privateKey);
      try {
        const writing = { content, privateKey: key.get, signal, newId, again };
        // All at once: a command that hangs does not hold up the others.
        const ended = await Promise.allSettled(looked.map((place) => writePlace(place, writing)));
        const failed = ended.flatMap((one, i) =>
          one.status === 'rejected' ? [failureOf(looked[i]?.target, one.reason)] : [],
        );
        throwFirst([...failed, ...unplaced.map(({ target, problem }) => ({ label: target.label, error: problem }))]);
        return summary(looked, ended);
      } finally {
        await key.wipe();
      }
    },
  };
}

async function lookAt(place: Place): Promise<Looked> {
  const { directory, target, mark } = place;
  try {
    const sight = await target.observe(`${directory.through}/${target.name}`);
    return { ...place, written: await readMark(mark), sight };
  } catch (error) {
    throw outletProblem(`cannot read the record beside ${target.label}`, target.folder, error);
  }
}

function assertMayWrite({ target, written, sight }: Looked, content: OutletContent, acceptOlder: boolean): void {
  const { keyset, revision } = content;
  if (!acceptOlder) assertNotOlder(written, target.label, keyset, revision);
  const known = new Set(content.knownKids);
  const unknown = sight.keys?.map((key) => key.kid ?? key.thumbprint).find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new JwtrotError(
      'refused',
      'unknown-kid',
      `${target.label} holds key ${quoteOutside(unknown)}, which keyset ${keyset} does not know: tokens may depend on it; nothing was written`,
      { hint: `adopt it: jwtrot import --keyset ${keyset} …; or remove the file if nothing depends on it` },
    );
  }
  if (sight.foreign && written === null) {
    throw new JwtrotError(
      'refused',
      'foreign-file',
      `${target.label} holds something that is neither keys nor jwtrot's; nothing was written`,
      {
        hint: `move it away: mv ${target.label} ${target.label}.old`,
      },
    );
  }
  const wiped = target.kind === 'publish' && target.format === 'jwks' && publishText(content, 'jwks') === null;
  if (wiped && (sight.keys?.length ?? 0) > 0) {
    throw new JwtrotError(
      'refused',
      'empty-jwks',
      `keyset ${keyset} has no key to publish and ${target.label} holds some: an empty JWKS rejects every token; nothing was written`,
      {
        hint: `make a key: jwtrot rotate --keyset ${keyset}`,
      },
    );
  }
}

/** The mark first, then the outlet: a run with an older manifest is kept off from here on, whatever happens. */
async function writePlace(
  place: Looked,
  { again, ...writing }: Omit<Writing, 'directory'> & { readonly again: boolean },
): Promise<boolean> {
  const { target, directory, mark, written, sight } = place;
  const { keyset, revision } = writing.content;
  writing.signal.throwIfAborted();
  await removeLeftovers(directory, target.name);
  const current =
    written !== null && written !== 'damaged' && written.keyset === keyset && written.revision === revision;
  if (!current) await writeMark(mark, keyset, revision);
  if (written === null) await directory.handle.sync(); // the mark's own name
  if (target.holds(sight, writing.content) && !(again && target.isBlind)) return false;
  await target.write({ ...writing, directory });
  return true;
}

interface Failure {
  readonly label: string;
  readonly error: unknown;
}

function failureOf(target: Target | undefined, reason: unknown): Failure {
  const label = target?.label ?? '';
  return { label, error: outletProblem(`cannot write ${label}`, target?.folder ?? '', reason) };
}

function throwFirst(failures: readonly Failure[]): void {
  const [first, ...others] = failures;
  if (first === undefined) return;
  const { error } = first;
  if (!(error instanceof JwtrotError) || others.length === 0) throw error;
  const labels = others.map(({ label }) => label).join(', ');
  throw new JwtrotError(error.kind, error.code, `${error.message}; not written either: ${labels}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: new AggregateError(failures.map((failure) => failure.error)),
  });
}

function summary(looked: readonly Looked[], ended: readonly PromiseSettledResult<boolean>[]): Written {
  const wrote = (kind: Target['kind']) =>
    looked.some(({ target }, i) => target.kind === kind && ended[i]?.status === 'fulfilled' && ended[i].value);
  return { publish: wrote('publish'), deliver: wrote('deliver') };
}

/** Asks for the private key at most once, and overwrites it. */
function once(ask: () => Promise<Uint8Array>): { get: () => Promise<Uint8Array>; wipe: () => Promise<void> } {
  let asked: Promise<Uint8Array> | undefined;
  return {
    get() {
      asked ??= ask();
      return asked;
    },
    async wipe() {
      const key = await asked?.catch(() => undefined);
      key?.fill(0);
    },
  };
}
