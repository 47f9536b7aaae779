// Faults that the embedded registry can inject, including those of real registries.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";

/** A fault in a response. */
export type Fault =
  /** Only this status. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** No response, and the connection stays open. */
  | { readonly kind: "silent" }
  /** Sends this many bytes of the body, then nothing, and the connection stays open. */
  | { readonly kind: "stall"; readonly after: number }
  /** The connection is closed without a response. */
  | { readonly kind: "drop" }
  /** The headers announce all bytes, but the connection is closed after this many. */
  | { readonly kind: "truncate"; readonly after: number }
  /** The last byte is wrong. */
  | { readonly kind: "corrupt" }
  /** No Docker-Content-Digest. */
  | { readonly kind: "no-digest" }
  /** Redirects (307) to the same path at another origin. */
  | { readonly kind: "redirect"; readonly to: string }
  /** Ignores Range: 200 with the whole body. */
  | { readonly kind: "ignore-range" }
  /** Sends this many bytes at a time, with pauses. */
  | { readonly kind: "slow"; readonly bytes: number; readonly pauseMilliseconds: number };

/** Sends the response if the fault replaces it completely. Returns whether it did. */
export function answeredBy(
  fault: Fault | undefined,
  incoming: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (fault?.kind === "drop") incoming.socket.destroy();
  else if (fault?.kind === "status")
    response.writeHead(fault.status, { ...fault.headers }).end(fault.body ?? "");
  else if (fault?.kind === "redirect") {
    response.writeHead(307, { location: new URL(incoming.url ?? "/", fault.to).href }).end();
  } else return fault?.kind === "silent";
  return true;
}

/** Yields the `size` bytes of a response with the fault applied. */
export async function* harmed(
  source: Readable,
  size: number,
  fault: Fault | undefined,
): AsyncGenerator<Buffer> {
  let sent = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk as Buffer);
    if (fault?.kind === "truncate" && sent + bytes.length > fault.after) {
      yield bytes.subarray(0, fault.after - sent);
      throw new Error("truncated on purpose");
    }
    if (fault?.kind === "stall" && sent + bytes.length > fault.after) {
      yield bytes.subarray(0, fault.after - sent);
      await new Promise(() => undefined);
    }
    sent += bytes.length;
    if (fault?.kind === "corrupt" && sent === size) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
    if (fault?.kind !== "slow") yield bytes;
    else {
      for (let at = 0; at < bytes.length; at += fault.bytes) {
        yield bytes.subarray(at, at + fault.bytes);
        await new Promise((resolve) => setTimeout(resolve, fault.pauseMilliseconds));
      }
    }
  }
}
