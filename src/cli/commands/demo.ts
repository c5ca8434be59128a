import { tmpdir } from 'node:os';
import { type Demonstrated, demonstrate, type Show } from '../../demo/demo.js';
import { picture, sumsText } from '../../demo/picture.js';
import { type Duration, SECOND } from '../../keyset/basics/clock.js';
import { EXIT } from '../../keyset/basics/error.js';
import type { Environment } from '../environment.js';
import { Interrupted } from '../interrupted.js';
import { DemoView, happeningText } from '../output/demo-view.js';
import type { Output } from '../output/output.js';
import { assertWritable, writePicture } from '../picture-file.js';
import type { Verb } from '../verb.js';

interface DemoOptions {
  readonly seconds: number;
  readonly svg?: string;
}

/** `jwtrot demo`: a rotation, a rollback and a leak under load, on this machine alone. Exit 1 if a token was rejected. */
export const demo: Verb<DemoOptions> = async ({ seconds, svg }, environment, output) => {
  const length = seconds * SECOND;
  const { script, signal, clock } = environment;
  if (svg !== undefined) await assertWritable(svg);
  const setting = { node: process.execPath, script, temporary: tmpdir(), signal: untilHangup(signal), clock };
  let shown: Demonstrated;
  try {
    shown = await demonstrate(length, setting, showOn(output, environment, length));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    output.say(`interrupted by ${error.by}; nothing of the demonstration stays`, 'warning');
    return error.exit;
  }
  const exit = conclude(shown, output);
  if (svg !== undefined) await writePicture(svg, picture(shown.timeline, shown));
  return exit;
};

/** Aborts when the terminal is closed as well: a demonstration that nobody watches must not leave its keys behind. */
function untilHangup(signal: AbortSignal): AbortSignal {
  const hangup = new AbortController();
  process.once('SIGHUP', () => hangup.abort(new Interrupted('SIGTERM')));
  return AbortSignal.any([signal, hangup.signal]);
}

function showOn(output: Output, environment: Environment, length: Duration): Show {
  const view = output.isLive ? new DemoView(environment.stderr, output.errorColor, length) : null;
  const say = (line: string) => {
    view?.clear();
    if (!output.json) output.say(line);
  };
  return {
    begins: (folder) => {
      say(
        `two issuers, two verifiers and their users, on loopback. All files are in ${folder}, which is removed at the end`,
      );
    },
    happens: (happening) => say(happeningText(happening, output.errorColor)),
    moves: (timeline, sums) => view?.draw(timeline, sums),
  };
}

function conclude({ timeline, failures, rotations, ...sums }: Demonstrated, output: Output): number {
  const { tokens, checks, rejected } = sums;
  const keys = timeline.kids.length;
  for (const failure of failures) output.problem(failure, null);
  if (output.json) output.document({ schema: 1, tokens, checks, rejected, rotations, keys });
  else {
    output.say(`${rotations} rotations of ${keys} keys`);
    output.result(sumsText(sums));
  }
  return failures.length === 0 && rejected === 0 ? EXIT.done : EXIT.unforeseen;
}
