// Chromium, as the system has it.

import AxeBuilder from "@axe-core/playwright";
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

export interface Opened {
  page: Page;
  context: BrowserContext;
  /** What the browser complained about: errors, and what the policy refused. */
  complaints: string[];
}

/** A picture of what a person sees, where SHOTS names a folder for them. */
export async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env.SHOTS;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

export async function open(
  browser: Browser,
  scheme: "light" | "dark" = "light",
  width = 1280,
): Promise<Opened> {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 800 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, context, complaints };
}

/** An authenticator that says yes to everything, in place of a person's finger. */
export async function authenticator(session: CDPSession, transport: "internal" | "usb"): Promise<string> {
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  return authenticatorId;
}

/** The same, as the only one that this browser has. */
export async function passkey(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  await authenticator(session, "internal");
  return session;
}

/** What axe finds wrong, as lines. */
export async function flaws(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap((it) =>
    it.nodes.map((node) => `${it.id}: ${node.target.join(" ")}: ${node.failureSummary}`),
  );
}
