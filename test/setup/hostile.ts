import { Lcg } from '../keyset/lcg.js';

/** Paths that some format gives a meaning to, each once. */
const ODD = [
  '/srv/a b',
  '/srv/ lead and trail ',
  "/srv/it's",
  '/srv/say "x"',
  `/srv/both'"`,
  '/srv/%n',
  '/srv/%%n%',
  '/srv/100%',
  '/srv/$HOME',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's and systemd's
  '/srv/${HOME}',
  '/srv/$(id)`id`',
  '/srv/back\\slash',
  '/srv/last\\',
  '/srv/\\x41\\n\\101',
  '/srv/semi;colon',
  '/srv/hash#tag',
  '/srv/#comment',
  '/srv/ #comment',
  '/srv/-dash',
  '/srv/--',
  '/-',
  '/srv/*?[a]{b,c}~',
  '/srv/a&b|c<d>e!',
  '/srv/a:b',
  '/srv/a=b',
  '/srv/a,b',
  '/srv/ümläut/日本/🔑',
  '/srv/\u00a0\u3000',
  '/srv/+plus',
  '/srv/@at',
];

const PIECES = [...' "\'%$\\;#-*{}()&|<>:=,~!`@+nxu0aüж🔑/', '%n', '$HOME', '\\x2f', '  ', '%%', '/*', '*/', '//'];

/** The same for the same seed: the odd ones, and `count` that are thrown together. None is what a schema refuses. */
export function hostilePaths(seed: number, count: number): string[] {
  const random = new Lcg(seed);
  const thrown = Array.from({ length: count }, () => {
    const length = 1 + random.below(12);
    const name = Array.from({ length }, () => random.pick(PIECES)).join('');
    return `/srv/${name}x`.replace(/\/+/g, '/').replace(/\/(\.\.?\/)+/g, '/');
  });
  return [...ODD, ...thrown];
}
