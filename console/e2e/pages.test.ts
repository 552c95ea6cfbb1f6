// Every page in a browser, over recorded entries and under the policy that the daemon serves it with.

import type { Browser } from "playwright-core";
import { type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mock } from "../mock/plugin";
import { flaws, launch, open, passkey, shoot } from "./browser";

let browser: Browser;
let server: PreviewServer;
let home: string;

beforeAll(async () => {
  browser = await launch();
  server = await preview({
    configFile: false,
    root: new URL("..", import.meta.url).pathname,
    plugins: [mock({ entries: 1_000_000, rate: 4 })],
    preview: { port: 0, host: "localhost" },
    logLevel: "error",
  });
  home = server.resolvedUrls?.local[0] ?? "";
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const PAGES = {
  live: ["#/live", "[role=option]"],
  "one entry": ["#/live/999983", "text=What the rules say"],
  approvals: ["#/approvals", "text=What would happen"],
  sessions: ["#/sessions", "text=denied"],
  "one session": ["#/sessions/c0a9-research-16665", "text=step 1 of 15"],
  agents: ["#/agents", "text=claude-code"],
  policies: ["#/policies", "text=agent.tamper-guard"],
  editor: ["#/policies/own%3Aours.toml", "text=loads, with"],
  oversight: ["#/oversight", "text=prompts approved"],
  audit: ["#/audit/300", "text=word for word"],
} as const;

describe.each(["light", "dark"] as const)("in %s colours", (scheme) => {
  test.each(Object.entries(PAGES))(
    "%s is accessible, and asks for nothing that the policy refuses",
    async (_, page) => {
      const { page: tab, context, complaints } = await open(browser, scheme);
      await tab.goto(home + page[0]);
      await tab.waitForSelector(page[1]);
      expect(await flaws(tab)).toEqual([]);
      expect(complaints).toEqual([]);
      await context.close();
    },
  );
});

/** How much of the page lies beyond the right edge of the screen. */
const beyond = () => document.documentElement.scrollWidth - window.innerWidth;

describe.each([
  ["a phone", 390],
  ["a tablet", 820],
  ["a wide screen", 1920],
] as const)("on %s", (device, width) => {
  test.each(Object.entries(PAGES))("%s fits, in both colours", async (name, page) => {
    for (const scheme of ["light", "dark"] as const) {
      const { page: tab, context } = await open(browser, scheme, width);
      await tab.goto(home + page[0]);
      // What is found may lie further down.
      await tab.waitForSelector(page[1], { state: "attached" });
      await shoot(tab, `${device} ${name} ${scheme}`.replaceAll(" ", "-"));
      expect(await tab.evaluate(beyond)).toBeLessThanOrEqual(0);
      if (device === "a phone") expect(await flaws(tab)).toEqual([]);
      await context.close();
    }
  });
});

describe("the keyboard", () => {
  test("goes to pages, through lists, into a search and out of it, and shows what it can", async () => {
    const { page, context } = await open(browser);
    await page.goto(`${home}#/agents`);
    await page.waitForSelector("text=claude-code");
    await page.keyboard.press("g");
    await page.keyboard.press("l");
    await page.waitForSelector("[role=option]");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.waitForSelector("[role=option][aria-selected=true]");
    await page.keyboard.press("/");
    await page.keyboard.type("terraform jjj");
    await page.waitForSelector("text=Nothing fits");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    expect(await page.locator("dialog").innerText()).toContain("pause the session");
    expect(await flaws(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.waitForSelector("text=What would happen");
    await page.keyboard.press("j");
    await page.keyboard.press("d");
    await page.waitForSelector("text=Refuse it?");
    expect(await flaws(page)).toEqual([]);
    await page.keyboard.press("Escape");
    expect(await page.locator("dialog").count()).toBe(0);
    await context.close();
  });

  test("steps through a session", async () => {
    const { page, context } = await open(browser);
    await page.goto(`${home}#/sessions/c0a9-research-16665`);
    await page.waitForSelector("text=step 1 of 15");
    await page.keyboard.press("ArrowRight");
    await page.waitForSelector("text=step 2 of 15");
    await page.keyboard.press("n");
    await page.waitForSelector("text=step 6 of 15");
    expect(await page.locator("mark").first().innerText()).toBe("sh");
    await context.close();
  });
});

describe("a million entries", () => {
  test("are scrolled through with some rows in the page, and some pages asked for", async () => {
    const { page, context } = await open(browser);
    await page.goto(`${home}#/live?kind=all`);
    await page.waitForSelector("[role=option]");
    const list = page.locator("[role=listbox]");
    let asked = 0;
    page.on("request", (request) => request.url().includes("/events") && asked++);
    for (let times = 0; times < 8; times++) {
      await list.evaluate((it) => it.scrollTo(0, it.scrollHeight));
      await page.waitForTimeout(150);
    }
    expect(await page.locator("[role=option]").count()).toBeLessThan(80);
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(20);
    // Whoever reads further down keeps their place while more comes in.
    const place = async () => page.locator("[role=option]").nth(20).getAttribute("data-seq");
    const before = await place();
    await page.waitForSelector("text=/\\d+ new/");
    expect(await place()).toBe(before);
    await context.close();
  });
});

describe("a person", () => {
  test("answers with a passkey, meets a test, holds everything and lets go again", async () => {
    const { page, context } = await open(browser);
    const session = await passkey(page);
    await page.goto(`${home}#/approvals`);
    await page.waitForSelector("text=What would happen");
    await session.send("WebAuthn.addCredential", await credential(session));
    await page.getByText("psql -h db.internal").first().click();
    await page.keyboard.press("a");
    await page.getByRole("button", { name: "Approve", exact: true }).click();
    await page.waitForSelector("text=That was a test, and it got through");
    expect(await flaws(page)).toEqual([]);
    await page.getByRole("button", { name: "Go on" }).click();

    await page.keyboard.press("P");
    await page.getByLabel("Only look").check();
    await page.getByRole("button", { name: "Only look all" }).click();
    await page.waitForSelector("text=a person stepped in");
    await page.getByRole("button", { name: "Release…" }).click();
    await page.locator("dialog").getByRole("button", { name: "Release" }).click();
    await page.waitForSelector("text=released");
    expect(await page.getByText("a person stepped in").count()).toBe(0);
    await context.close();
  });

  test("reads what a rule would change before it is in force", async () => {
    const { page, context } = await open(browser);
    await page.goto(`${home}#/policies/own%3Aours.toml`);
    await page.waitForSelector("text=loads, with");
    await page.locator(".cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type('\noutcom = "deny"');
    await page.waitForSelector("text=did you mean");
    expect(await page.getByRole("button", { name: "Save…" }).isDisabled()).toBe(true);
    for (let times = 0; times < 16; times++) await page.keyboard.press("Backspace");
    await page.waitForSelector("text=loads, with");
    await page.getByRole("button", { name: "Try on the last 30 days" }).click();
    await page.waitForSelector("text=17 of 48,211 actions");
    await context.close();
  });
});

/** A key that the stand-in for the daemon takes: it does not look at signatures. */
async function credential(session: Awaited<ReturnType<typeof passkey>>) {
  const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
  ]);
  const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", privateKey)).toString("base64");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "usb",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    authenticatorId,
    credential: {
      credentialId: Buffer.from("a passkey").toString("base64"),
      isResidentCredential: true,
      rpId: "localhost",
      privateKey: key,
      userHandle: Buffer.from("heron").toString("base64"),
      signCount: 1,
    },
  };
}
