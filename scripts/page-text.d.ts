// The types of page-text.js for the configuration of the tests.
import type { Plugin } from "vitest/config";

export const pageTextOfTests: Plugin;
