import type { Readable } from 'node:stream';

/** Keeps the first `most` bytes of a stream and drops the rest, so that endless output takes no memory. */
export function collectHead(
  stream: Readable | null | undefined,
  most: number,
): { text(): string; truncated(): boolean } {
  const chunks: Buffer[] = [];
  let size = 0;
  let truncated = false;
  stream?.on('error', () => {});
  stream?.on('data', (chunk: Buffer) => {
    const room = most - size;
    if (chunk.length > room) truncated = true;
    if (room <= 0) return;
    chunks.push(chunk.subarray(0, room));
    size += Math.min(room, chunk.length);
  });
  return { text: () => Buffer.concat(chunks).toString('utf8'), truncated: () => truncated };
}

/** Keeps the last `most` bytes of a stream. */
export function collectTail(stream: Readable | null | undefined, most: number): { text(): string } {
  let tail: Buffer = Buffer.alloc(0);
  stream?.on('error', () => {});
  stream?.on('data', (chunk: Buffer) => {
    tail = Buffer.from(Buffer.concat([tail, chunk]).subarray(-most)); // a copy: a view would keep the whole chunk alive
  });
  return { text: () => tail.toString('utf8') };
}
