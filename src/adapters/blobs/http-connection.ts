// Sends GET requests over a raw socket, and reads all bodies into the same buffer.
//
// Other clients allocate a buffer for each chunk, and the page faults make large downloads slow. With
// the `onread` option of net.connect and tls.connect, all reads use the same buffer, which halves the
// time. Redirects, tokens, retries and proxies are handled elsewhere.
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { stallError } from "../http/stall.js";
import type { Certificates } from "../http/tls.js";

const HEAD_LIMIT_BYTES = 64 * 1024;
const NO_BYTES: Buffer = Buffer.alloc(0);

/** Status and headers of a response. Header names are in lower case. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Receives one response. The chunk of `onData` is valid until the method returns. */
export interface ResponseSink {
  onHead(head: ResponseHead): void;
  onData(chunk: Buffer): void;
}

/** This connection cannot read the body. The request must be sent with another client. */
export class UnreadableBody extends Error {}

/** How a connection reads. */
export interface ReadOptions {
  readonly block: Buffer;
  readonly stallMs: number;
}

/** A persistent connection to an origin, for one request at a time. */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #request:
    | { sink: ResponseSink; resolve: (head: ResponseHead) => void; reject: (cause: Error) => void }
    | undefined;
  /** The beginning of an incomplete head. */
  #headBytes: Buffer = NO_BYTES;
  #head: ResponseHead | undefined;
  /** The bytes of the body that were received. */
  #bodyBytes = 0;
  /** The remaining bytes of the body. Undefined while the head is being read. */
  #remaining: number | undefined;
  #keepAlive = true;
  #answered = false;

  /**
   * The connection ends after `stallMs` without data. All reads use `block`. The connections of a
   * thread may share it, because each read is processed before the next one begins.
   */
  constructor(origin: URL, certificates: Certificates, { block, stallMs }: ReadOptions) {
    this.#host = origin.host;
    const secure = origin.protocol === "https:";
    const host = origin.hostname.replace(/^\[|\]$/g, "");
    const port = Number(origin.port || (secure ? 443 : 80));
    const onread = {
      buffer: block,
      callback: (bytes: number, buffer: Uint8Array): boolean => {
        this.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
        return true;
      },
    };
    // tls.connect passes `onread` to the socket, but its types do not include the option.
    const tlsOptions = {
      host,
      port,
      onread,
      ALPNProtocols: ["http/1.1"],
      ...(isIP(host) === 0 && { servername: host }),
    };
    this.#socket = secure
      ? connectTls({ ...tlsOptions, ...certificates.optionsFor(origin) })
      : connectPlain({ host, port, onread });
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(stallMs, () => this.#socket.destroy(stallError(stallMs, this.#bodyBytes)));
    this.#socket.on("error", (cause) => {
      this.#fail(cause);
    });
    this.#socket.on("close", () => {
      this.#fail(new Error("connection closed"));
    });
  }

  /** True when another request can be sent. */
  get usable(): boolean {
    return this.#keepAlive && !this.#socket.destroyed;
  }

  /** True when the current or last request received part of a response. */
  get answered(): boolean {
    return this.#answered;
  }

  /**
   * Sends a GET and resolves when the sink has received the whole body. Rejects when the connection
   * fails or the sink throws.
   */
  get(path: string, headers: Readonly<Record<string, string>>, sink: ResponseSink): Promise<ResponseHead> {
    this.#headBytes = Buffer.alloc(0);
    this.#head = undefined;
    this.#remaining = undefined;
    this.#bodyBytes = 0;
    this.#answered = false;
    const lines = Object.entries({ host: this.#host, ...headers });
    return new Promise((resolve, reject) => {
      this.#request = { sink, resolve, reject };
      this.#socket.write(
        `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
      );
    });
  }

  close(): void {
    this.#keepAlive = false;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#answered = true;
    try {
      if (this.#request === undefined) throw new Error("data without a request");
      const body = this.#remaining === undefined ? this.#receiveHead(chunk) : chunk;
      if (this.#remaining !== undefined) this.#receiveBody(this.#request.sink, body);
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#fail(error);
      this.close();
    }
  }

  /** Returns the bytes after the head, or none while the head is incomplete. */
  #receiveHead(chunk: Buffer): Buffer {
    // The first chunk usually has the complete head and up to 1 MiB of the body. It is not copied.
    const bytes = this.#headBytes.length === 0 ? chunk : Buffer.concat([this.#headBytes, chunk]);
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) {
      if (bytes.length > HEAD_LIMIT_BYTES)
        throw new Error(`the response head exceeds ${HEAD_LIMIT_BYTES} bytes`);
      this.#headBytes = Buffer.from(bytes);
      return NO_BYTES;
    }
    const head = parseHead(bytes.toString("latin1", 0, end));
    const rest = bytes.subarray(end + 4);
    this.#headBytes = NO_BYTES;
    if (head.status < 200) return this.#receiveHead(rest);
    if (head.headers["connection"]?.toLowerCase() === "close") this.#keepAlive = false;
    if (head.headers["transfer-encoding"] !== undefined || head.headers["content-encoding"] !== undefined) {
      throw new UnreadableBody("the body has a transfer or content encoding");
    }
    const length = head.headers["content-length"];
    const hasBody = head.status !== 204 && head.status !== 304;
    if (hasBody && (length === undefined || !/^\d+$/.test(length)))
      throw new UnreadableBody("the body has no Content-Length");
    this.#remaining = hasBody ? Number(length) : 0;
    this.#head = head;
    this.#request?.sink.onHead(head);
    return rest;
  }

  #receiveBody(sink: ResponseSink, chunk: Buffer): void {
    if (this.#remaining === undefined || chunk.length > this.#remaining)
      throw new Error("the body is longer than its Content-Length");
    if (chunk.length > 0) sink.onData(chunk);
    this.#remaining -= chunk.length;
    this.#bodyBytes += chunk.length;
    if (this.#remaining > 0) return;
    const request = this.#request;
    this.#request = undefined;
    if (!this.#keepAlive) this.#socket.destroy();
    if (this.#head !== undefined) request?.resolve(this.#head);
  }

  #fail(cause: Error): void {
    const request = this.#request;
    this.#request = undefined;
    this.#keepAlive = false;
    request?.reject(cause);
  }
}

function parseHead(text: string): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1];
  if (status === undefined) throw new Error(`not an HTTP response: ${JSON.stringify(first.slice(0, 40))}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  if (first.startsWith("HTTP/1.0")) headers["connection"] ??= "close";
  return { status: Number(status), headers };
}
