// The processor time of work, which other processes on the machine change little.

/** Runs the work, and returns the milliseconds that this process has computed. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user / 1_000;
}
