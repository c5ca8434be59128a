import { SECOND } from '../keyset/basics/clock.js';
import {
  type Happening,
  nameOf,
  SLICE,
  type Stretch,
  type Sums,
  secondsOf,
  stretches,
  type Timeline,
} from './timeline.js';

/*
 * Draws what the demonstration saw as SVG: keys against time, who signs with what, checks and rejections.
 */

/** Pixels. */
const LEFT = 56;
const PLOT = 760;
const TOP = 62;
const ROW = 30;
const CHART = 44;
const LINE = 18;
const WIDTH = LEFT + PLOT + 24;

const COLOR = {
  signs: '#1f6feb',
  accepted: '#b6d4fe',
  checks: '#8c959f',
  rejected: '#cf222e',
  text: '#1f2328',
} as const;

/** @returns a document that needs nothing else: no font, no script */
export function picture(timeline: Timeline, sums: Sums): string {
  const { kids, slices, happenings } = timeline;
  const x = (slice: number) => LEFT + (PLOT * slice) / Math.max(1, slices.length);
  const marked = happenings.filter(({ type }) => type !== 'result');
  const chartTop = TOP + kids.length * ROW + 12;
  const listTop = chartTop + CHART + 46;
  const height = listTop + happenings.length * LINE;
  const at = (happening: Happening) => x(Math.min(slices.length, happening.at / SLICE));
  const body = [
    text(LEFT, 22, 'A key rotation under load', 'font-weight="600" font-size="15"'),
    ...legend(),
    ...kids.flatMap((kid, i) => keyRow(nameOf(kids, kid), TOP + i * ROW, stretches(slices, kid), x)),
    ...marks(marked, at, chartTop + CHART),
    ...chart(timeline, chartTop, x),
    ...seconds(slices.length, chartTop + CHART, x),
    text(LEFT, listTop - 10, sumsText(sums), 'font-weight="600"'),
    ...happenings.map((one, i) => {
      const number = marked.indexOf(one) + 1;
      return text(LEFT, listTop + 8 + i * LINE, `${number || ' '}  ${secondsOf(one.at)}  ${one.text}`);
    }),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12" fill="${COLOR.text}">`,
    `<title>Keys against time: ${escaped(sumsText(sums))}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

/** `1204 tokens, 4816 checks, 0 rejected`. */
export function sumsText({ tokens, checks, rejected }: Sums): string {
  return `${tokens} tokens, ${checks} checks, ${rejected} rejected`;
}

type X = (slice: number) => number;

function legend(): string[] {
  return [
    rect({ x: LEFT, y: 32, width: 14, height: 12 }, COLOR.signs),
    text(LEFT + 20, 42, 'signs'),
    rect({ x: LEFT + 76, y: 35, width: 14, height: 6 }, COLOR.accepted),
    text(LEFT + 96, 42, 'accepted by every verifier'),
    rect({ x: LEFT + 300, y: 32, width: 14, height: 12 }, COLOR.checks),
    text(LEFT + 320, 42, 'checks'),
    rect({ x: LEFT + 382, y: 32, width: 14, height: 12 }, COLOR.rejected),
    text(LEFT + 402, 42, 'rejected'),
  ];
}

function keyRow(name: string, top: number, stretched: readonly Stretch[], x: X): string[] {
  const bars = stretched.map(({ doing, from, to }) => {
    const [inset, height] = doing === 'signs' ? [4, 18] : [9, 8];
    return rect({ x: x(from), y: top + inset, width: x(to) - x(from), height }, COLOR[doing]);
  });
  return [text(LEFT - 12, top + 17, name, 'text-anchor="end"'), ...bars];
}

/** Numbers that would stand on each other stand beside each other. */
function marks(marked: readonly Happening[], at: (happening: Happening) => number, bottom: number): string[] {
  let free = 0;
  return marked.flatMap((one, i) => {
    const label = Math.max(at(one), free);
    free = label + 14;
    return mark({ x: at(one), label, bottom }, i + 1, one.type === 'trouble');
  });
}

interface Mark {
  readonly x: number;
  /** Where its number stands. */
  readonly label: number;
  readonly bottom: number;
}

function mark({ x, label, bottom }: Mark, number: number, isTrouble: boolean): string[] {
  const color = isTrouble ? COLOR.rejected : COLOR.text;
  const line = `<line x1="${round(x)}" y1="${TOP}" x2="${round(x)}" y2="${bottom}" stroke="${color}" stroke-dasharray="2 3"/>`;
  return [line, text(label, TOP - 4, `${number}`, `text-anchor="middle" fill="${color}"`)];
}

function chart({ slices }: Timeline, top: number, x: X): string[] {
  const most = Math.max(1, ...slices.map(({ checks }) => checks));
  const bar = (slice: number, count: number, color: string) => {
    const height = (CHART * count) / most;
    return rect({ x: x(slice), y: top + CHART - height, width: x(slice + 1) - x(slice) - 0.5, height }, color);
  };
  return slices.flatMap(({ checks, rejected }, i) => [
    ...(checks > 0 ? [bar(i, checks, COLOR.checks)] : []),
    ...(rejected > 0 ? [bar(i, rejected, COLOR.rejected)] : []),
  ]);
}

function seconds(slices: number, top: number, x: X): string[] {
  const all = (slices * SLICE) / SECOND;
  const step = all <= 30 ? 2 : all <= 120 ? 10 : 60;
  const count = Math.floor(all / step) + 1;
  return Array.from({ length: count }, (_, i) =>
    text(x((i * step * SECOND) / SLICE), top + 14, `${i * step}s`, 'text-anchor="middle" fill="#59636e"'),
  );
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function rect({ x, y, width, height }: Box, fill: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const more = attributes === '' ? '' : ` ${attributes}`;
  return `<text x="${round(x)}" y="${round(y)}"${more} xml:space="preserve">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(number: number): string {
  return `${Math.round(number * 10) / 10}`;
}
