/** A stream for text. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Bytes that were written and that no reader has taken yet. */
  readonly writableLength?: number;
}
