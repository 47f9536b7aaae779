// A Java class file with only a constant pool.

/** Creates the class. Before the texts is a long constant, which takes two entries of the pool. */
export function classFile(texts: readonly string[]): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt32BE(0xcafebabe);
  head.writeUInt16BE(65, 6);
  head.writeUInt16BE(texts.length + 3, 8);
  const long = Buffer.concat([Buffer.from([5]), Buffer.alloc(8)]);
  const constants = texts.map((text) => {
    const constant = Buffer.alloc(3 + Buffer.byteLength(text));
    constant.writeUInt8(1);
    constant.writeUInt16BE(constant.length - 3, 1);
    constant.write(text, 3);
    return constant;
  });
  return Buffer.concat([head, long, ...constants, Buffer.alloc(8)]);
}
