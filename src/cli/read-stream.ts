/**
 * Reads a whole stream, and overwrites the chunks afterwards.
 * @param most bytes
 * @returns null: the stream is longer
 */
export async function readStream(stream: NodeJS.ReadStream, most: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length > most) return null;
    }
    return Buffer.concat(chunks);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}
