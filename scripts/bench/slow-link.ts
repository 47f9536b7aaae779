// A registry behind a slow link: ../shared/slow-link.js in front of a local one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Endpoint } from "./stack.js";
import { SHARED } from "./viola-spec.js";

/** Runs the task with the URL of the registry behind the link. All connections share the bandwidth. */
export async function withSlowLink<T>(
  { url }: Endpoint,
  { roundTripMs, megabits }: { readonly roundTripMs: number; readonly megabits: number },
  task: (url: string) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const args = [port, Number(new URL(url).port), roundTripMs, megabits].map(String);
  const link = spawn(process.execPath, [join(SHARED, "slow-link.js"), ...args], { stdio: "ignore" });
  try {
    await untilListening(port);
    return await task(`http://127.0.0.1:${port}`);
  } finally {
    link.kill();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Resolves when the port accepts connections; throws after ten seconds. */
async function untilListening(port: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(50);
    } finally {
      socket.destroy();
    }
  }
}
