// The HTML page of an audit in a browser: it loads nothing, its sizes add up, and it works by mouse,
// keyboard and screen reader, in both themes, on a phone, and without its script.
import { createRequire } from "node:module";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { formatAuditHtml } from "../../../src/cli/reporters/audit-html/audit-html.js";
import type { AuditReport } from "../../../src/core/audit/report.js";
import { auditReportOf, findingOf, largeReport } from "../../support/audit-report-of.js";
import { needs } from "../../support/parts.js";
import { mustRun } from "../../support/run.js";

const describeAll = await needs("chromium");

const LONG = "long-name/".repeat(20);
const MARKUP = '<img src="https://evil.example/x" onerror="alert(1)"></script><script>alert(2)</script>';
const SMALL = auditReportOf(
  [
    {
      name: "quay.io/shop/web:1.10",
      components: ["web"],
      layers: { base: 4e6, web: 30e6, more: 9e6 },
      config: 900,
    },
    { name: "quay.io/shop/worker:1.9", components: ["web"], layers: { base: 4e6, worker: 12e6, lib: 2e6 } },
    {
      name: "docker.io/library/db:16",
      components: ["db"],
      layers: { base: 4e6, db: 50e6 },
      more: { purpose: MARKUP },
    },
    { name: `registry.example/${LONG}x:1`, components: ["db"], layers: { lib: 2e6, long: 5e6 } },
    { name: "registry.example/both:1", components: ["web", "db"], layers: { both: 6e6 } },
    { name: "registry.example/none:1", layers: {}, more: { digest: "", platforms: [], required: false } },
  ],
  {
    findings: [
      findingOf("docker.io/library/db:16", { message: MARKUP }),
      findingOf("quay.io/shop/web:1.10", { severity: "error", rule: "large-image" }),
      findingOf(LONG, { severity: "note", suppressed: { reason: "known", until: "2030-01-01" } }),
    ],
    warnings: [{ code: "unknown-operator", message: "not known", object: "Pod a", incomplete: true }],
  },
);

const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

describeAll("the page of an audit", () => {
  let browser: Browser;
  let folder: string;
  let axe: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-page-"));
    const executablePath = (await mustRun("sh", ["-c", "command -v chromium"])).trim();
    axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
    await writeFile(join(folder, "small.html"), formatAuditHtml(SMALL, "en"));
    await writeFile(join(folder, "korean.html"), formatAuditHtml(SMALL, "ko"));
    await writeFile(join(folder, "large.html"), formatAuditHtml(largeReport(500), "en"));
  });

  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  /** Opens a page, and expects no request besides it, no message on the console, and no dialog. */
  async function withPage(
    name: string,
    options: BrowserContextOptions,
    use: (page: Page) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({ viewport: WIDE, ...options });
    try {
      const page = await context.newPage();
      const url = pathToFileURL(join(folder, `${name}.html`)).href;
      const seen: string[] = [];
      page.on("request", (request) => seen.push(request.url()));
      page.on("console", (message) => seen.push(message.text()));
      page.on("pageerror", (error) => seen.push(error.message));
      page.on("dialog", (dialog) => {
        seen.push(dialog.message());
        void dialog.dismiss();
      });
      await page.goto(url);
      await use(page);
      expect(seen).toEqual([url]);
    } finally {
      await context.close();
    }
  }

  // The types of the tests are those of Node, so what the browser evaluates is text.
  const sizesOf = (page: Page, selector: string): Promise<readonly number[]> =>
    page.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((area) => Number(area.dataset.bytes))`,
    );
  const bytesOf = async (page: Page, selector: string): Promise<number> =>
    (await sizesOf(page, selector)).reduce((sum, size) => sum + size, 0);
  const shownImages = (page: Page): Promise<readonly string[]> =>
    page.locator("#image-table tbody tr:not([hidden]) .image-name").allTextContents();
  const focusedArea = (page: Page): Promise<string | null> =>
    page.evaluate("document.activeElement?.getAttribute('aria-label') ?? null");
  const scrolledWidth = (page: Page): Promise<number> =>
    page.evaluate("document.documentElement.scrollWidth - innerWidth");

  /** Returns the rule and the places of each violation. */
  async function violations(page: Page): Promise<readonly string[]> {
    // The policy of the page forbids other scripts, but not those of the debugger.
    await page.evaluate(axe);
    return page.evaluate(async () => {
      const found = await (
        globalThis as unknown as {
          axe: { run: () => Promise<{ violations: { id: string; nodes: { target: unknown }[] }[] }> };
        }
      ).axe.run();
      return found.violations.map(
        ({ id, nodes }) => `${id} ${JSON.stringify(nodes.map(({ target }) => target))}`,
      );
    });
  }

  async function expectSizesAddUp(page: Page, report: AuditReport, components: number): Promise<void> {
    const outer = '.area[data-level="1"]';
    expect(await bytesOf(page, outer)).toBe(report.totals.uniqueBytes);
    const sizes = await sizesOf(page, ".area.component");
    for (const [index, size] of sizes.slice(0, components).entries()) {
      await page.locator(".area.component").nth(index).focus();
      await page.keyboard.press("Enter");
      expect(await bytesOf(page, outer)).toBe(size);
      await page.keyboard.press("Escape");
    }
  }

  it("has a treemap whose sizes add up, with shared layers once", async () => {
    await withPage("small", {}, async (page) => {
      await expectSizesAddUp(page, SMALL, 2);
      expect(await bytesOf(page, ".area.shared")).toBe(6e6);

      // The layers are drawn over what they belong to.
      await page.locator(".area.leaf[data-bytes='4000000']").click();
      expect(await page.locator("dialog").textContent()).toContain("docker.io/library/db:16");
      await page.keyboard.press("Escape");
      await page.locator(".area.leaf[data-bytes='30000000']").click();
      expect(await page.locator("dialog h2").textContent()).toBe("quay.io/shop/web:1.10");
    });
  });

  it("moves in the treemap by keyboard, and back to where it was", async () => {
    await withPage("small", {}, async (page) => {
      const first = page.locator(".area[tabindex='0']");
      await first.focus();
      const start = await focusedArea(page);
      await page.keyboard.press("ArrowRight");
      const right = await focusedArea(page);
      await page.keyboard.press("ArrowLeft");

      expect(right).not.toBe(start);
      expect(await focusedArea(page)).toBe(start);

      await page.locator(".area.component", { hasText: "web" }).first().focus();
      const component = await focusedArea(page);
      await page.keyboard.press("Enter");
      expect(await focusedArea(page)).toContain("web:1.10");
      await page.keyboard.press("Enter");
      expect(await page.locator("dialog h2").textContent()).toBe("quay.io/shop/web:1.10");
      await page.keyboard.press("Escape");
      expect(await focusedArea(page)).toContain("web:1.10");
      await page.keyboard.press("Escape");
      expect(await focusedArea(page)).toBe(component);
    });
  });

  it("sorts its tables by the headings", async () => {
    await withPage("small", {}, async (page) => {
      const heading = page.locator("#image-table th").filter({ hasText: "Size" });
      await heading.getByRole("button").focus();
      await page.keyboard.press("Enter");
      expect((await shownImages(page)).slice(0, 2)).toEqual(["library/db", "shop/web"]);
      expect(await heading.getAttribute("aria-sort")).toBe("descending");
      await page.keyboard.press("Enter");
      expect((await shownImages(page)).slice(-2)).toEqual(["shop/web", "library/db"]);
      expect(await heading.getAttribute("aria-sort")).toBe("ascending");

      // 1.9 is before 1.10.
      await page.locator("#image-table th").filter({ hasText: "Version" }).getByRole("button").click();
      expect((await shownImages(page)).slice(3, 5)).toEqual(["shop/worker", "shop/web"]);
      expect(await heading.getAttribute("aria-sort")).toBeNull();
    });
  });

  it("filters images, and counts what is shown with shared layers once", async () => {
    await withPage("small", {}, async (page) => {
      const status = page.getByRole("status");
      expect(await status.textContent()).toContain("6");
      await page.getByRole("searchbox").fill("SHOP web");
      expect(await shownImages(page)).toEqual(["shop/web", "shop/worker"]);
      expect(await status.textContent()).toContain("57.0 MB");
      await page.getByRole("checkbox").check();
      expect(await shownImages(page)).toEqual(["shop/web"]);
      await page.getByRole("searchbox").fill("nothing like this");
      expect(await shownImages(page)).toEqual([]);
    });
  });

  it("shows evidence and layers of an image, and returns to its row", async () => {
    await withPage("small", {}, async (page) => {
      const button = page.getByRole("button", { name: "library/db" });
      await button.focus();
      await page.keyboard.press("Enter");
      const text = (await page.getByRole("dialog").textContent()) ?? "";
      for (const part of [
        "spec.template.spec.containers[0].image",
        MARKUP,
        "mutable-tag",
        SMALL.images[2]!.digest,
        SMALL.layers[0]!.digest.slice(0, 19),
        "web:1.10",
      ]) {
        expect(text).toContain(part);
      }
      await page.keyboard.press("Escape");
      expect(await page.getByRole("dialog").count()).toBe(0);
      expect(await page.locator("#image-table button:focus").textContent()).toBe("library/db");
    });
  });

  it("follows the theme of the system, and switches it", async () => {
    const background = (page: Page): Promise<string> =>
      page.evaluate("getComputedStyle(document.body).backgroundColor");
    const found: string[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
      await withPage("small", { colorScheme }, async (page) => {
        found.push(await background(page));
        await page.locator("button[aria-pressed]").click();
        found.push(await background(page));
      });
    }
    const [light, dark] = found;
    expect(light).not.toBe(dark);
    expect(found).toEqual([light, dark, dark, light]);
  });

  it.each([
    { name: "small", colorScheme: "light", viewport: WIDE },
    { name: "korean", colorScheme: "dark", viewport: PHONE },
  ] as const)("has no barrier that axe-core finds: $name, $colorScheme", async ({ name, ...options }) => {
    await withPage(name, options, async (page) => {
      expect(await violations(page)).toEqual([]);
      await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
      await page.locator("#image-table tbody button").first().click();
      expect(await violations(page)).toEqual([]);
      expect(await scrolledWidth(page)).toBe(0);
    });
  });

  it("is readable without its script", async () => {
    await withPage("small", { javaScriptEnabled: false }, async (page) => {
      expect(await page.locator("#image-table tbody tr").count()).toBe(SMALL.images.length);
      expect(await page.locator("#treemap svg").isVisible()).toBe(true);
      expect(await page.locator("noscript").isVisible()).toBe(true);
    });
  });

  it("prints what is closed, in the light theme", async () => {
    await withPage("small", { colorScheme: "dark" }, async (page) => {
      await page.evaluate("dispatchEvent(new Event('beforeprint'))");
      await page.emulateMedia({ media: "print", colorScheme: "dark" });
      expect(await page.locator("details:not([open])").count()).toBe(0);
      expect(await page.locator("#image-tools").isVisible()).toBe(false);
      expect(await page.evaluate("getComputedStyle(document.body).color")).toBe("rgb(27, 34, 44)");
      await page.evaluate("dispatchEvent(new Event('afterprint'))");
      expect(await page.locator("details[open]").count()).toBe(0);
    });
  });

  it("works with 500 images and 5,000 layers, also on a phone", async () => {
    const report = largeReport(500);
    await withPage("large", { viewport: PHONE }, async (page) => {
      await expectSizesAddUp(page, report, 1);
      expect(await scrolledWidth(page)).toBe(0);
      await page.getByRole("searchbox").fill("application-499");
      expect(await shownImages(page)).toHaveLength(1);
      await page.locator("#image-table tbody tr:not([hidden]) button").click();
      expect(await page.locator("dialog section table tbody tr").count()).toBe(13);
    });
  });
});
