// Counts the bytes of a stream as they are read.

/** Yields the chunks, and calls `onChunk` after the reader has taken each of them. */
export async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onChunk(chunk.length);
  }
}
