// Counts the bytes of a stream as its reader takes them.

/** Passes chunks on, and tells of each that was taken. */
export async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onChunk(chunk.length);
  }
}
