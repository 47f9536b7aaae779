// Finds the addresses of this machine.
import { networkInterfaces } from "node:os";

/** Lists the addresses at which other machines may reach this machine, IPv4 first. */
export function hostAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .sort((one, other) => Number(one.family === "IPv6") - Number(other.family === "IPv6"))
    .map(({ address }) => address);
}
