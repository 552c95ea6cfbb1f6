// The console over the real daemon, while a recorded session of an agent is replayed into it through the real hook.
//
// RINGFENCE names the program, built with the feature `console`; without it, the debug build of this checkout is taken.

import { execFileSync, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { percent } from "../src/pages/oversight/figures";
import { authenticator, flaws, launch, type Opened, open, shoot } from "./browser";

const program = process.env.RINGFENCE ?? new URL("../../target/debug/ringfence", import.meta.url).pathname;
const home = mkdtempSync(join(tmpdir(), "ringfence-console-"));
const project = join(home, "shop");
const [state, config] = [join(home, ".local/state/ringfence"), join(home, ".config/ringfence")];
const environment = {
  HOME: home,
  PATH: process.env.PATH ?? "",
  RINGFENCE_STATE: state,
  RINGFENCE_CONFIG: config,
};

/** What one agent did, as its hook told it (`mock/record.py`). */
interface Call {
  tool: string;
  input: Record<string, unknown>;
}

const recorded = readFileSync(new URL("../mock/data/entries.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as { kind: string; session: string; action?: Call });
const transcript = recorded
  .filter((it) => it.kind === "decision" && it.session === "5b1f0a52-shop")
  .map((it) => it.action as Call);

let calls = 0;

/** One message of an agent to its hook; what the hook answers. */
function hook(session: string, event: string, fields: object = {}): string {
  const message = {
    session_id: session,
    transcript_path: join(home, `${session}.jsonl`),
    cwd: project,
    hook_event_name: event,
    ...fields,
  };
  const flags = ["--state", state, "--config", config, "--home", home];
  try {
    return execFileSync(program, ["hook", "claude-code", ...flags], {
      input: JSON.stringify(message),
      cwd: project,
      env: environment,
      stdio: ["pipe", "pipe", "ignore"],
    }).toString();
  } catch (error) {
    // A denial is an exit code, too.
    return String((error as { stdout?: Buffer }).stdout ?? "");
  }
}

function ask(session: string, command: string): string {
  const id = `call-${++calls}`;
  return hook(session, "PreToolUse", { tool_name: "Bash", tool_use_id: id, tool_input: { command } });
}

interface Daemon {
  pid: number;
  url: string;
  code: string | undefined;
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const textOf = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");

/**
 * Starts it in a terminal, as a person would: the code to enrol a passkey is shown there alone. By root, a recorder
 * of terminals can be made to pass for a terminal program; it stands apart from this process, which is an agent to
 * the gate.
 */
async function serve(port: number): Promise<Daemon> {
  const [terminal, shown, number] = ["bin/xterm", "shown", "pid"].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ];
  if (!existsSync(terminal)) {
    mkdirSync(join(home, "bin"));
    copyFileSync("/usr/bin/script", terminal);
  }
  rmSync(shown, { force: true });
  const command = `echo $$ > ${number}; exec ${program} serve --listen 127.0.0.1:${port}`;
  execFileSync("setsid", ["-f", terminal, "-qefc", command, shown], {
    env: environment,
    cwd: project,
    stdio: "ignore",
  });
  for (let times = 0; times < 600; times++) {
    const said = textOf(shown);
    const url = /open (http\S+) in a browser/.exec(said)?.[1];
    const code = /type (\S+) in the browser/.exec(said)?.[1];
    // A code is shown as long as nobody is enrolled.
    if (url && (code || enrolled || said.includes("no passkey")))
      return { pid: Number(textOf(number)), url, code };
    await sleep(100);
  }
  throw new Error(`the daemon does not start: ${textOf(shown)}`);
}

async function end({ pid }: Daemon): Promise<void> {
  process.kill(pid, "SIGTERM");
  while (existsSync(`/proc/${pid}`)) await sleep(50);
}

const PORT = 20_000 + (process.pid % 20_000);
let browser: Browser;
let daemon: Daemon;
let opened: Opened;
let page: Page;
let enrolled = false;
/** The person's fingers. */
let keys: CDPSession;
let laptop: string;

const missing = existsSync(program) ? undefined : `${program} is not there`;

describe.skipIf(missing !== undefined)("over the real daemon", () => {
  beforeAll(async () => {
    mkdirSync(project, { recursive: true });
    execFileSync("git", ["init", "-q", "-b", "main", project]);
    writeFileSync(join(project, ".env"), "DEBUG=1\n");
    daemon = await serve(PORT);
    browser = await launch();
    opened = await open(browser);
    page = opened.page;
    await page.goto(daemon.url);
    await page.waitForSelector("text=Live");
  });

  afterAll(async () => {
    await browser?.close();
    if (daemon) await end(daemon);
    rmSync(home, { recursive: true, force: true });
  });

  // First, while no agent is at work: a terminal that is younger than an agent is not believed to be a person's.
  test("a person enrols a passkey, with the code that only the terminal shows", async () => {
    if (!daemon.code) {
      console.warn("skipped: only root can make what passes for a person's terminal");
      return;
    }
    keys = await page.context().newCDPSession(page);
    await keys.send("WebAuthn.enable");
    laptop = await authenticator(keys, "internal");
    await page.getByRole("button", { name: /^Passkey/ }).click();
    await page.getByLabel("Code").fill("wrong");
    await page.getByLabel(/^Your name/).fill("heron");
    await page.getByRole("button", { name: "Enrol", exact: true }).click();
    await page.waitForSelector("dialog [role=alert]");
    await shoot(page, "enrol");
    await page.getByLabel("Code").fill(daemon.code);
    await page.getByRole("button", { name: "Enrol", exact: true }).click();
    await page.waitForSelector("text=the passkey is enrolled");
    enrolled = true;
  });

  test("another key of the same person is no other person, and is revoked again", async () => {
    if (!enrolled) return;
    await page.getByRole("button", { name: /^Passkey/ }).click();
    await page.waitForSelector("dialog >> text=may do everything · you");
    await page.getByRole("button", { name: "Add a key of yours…" }).click();
    await page.getByLabel("What it is called").fill("phone");
    // The key that is there signs; then another one is touched.
    const touch = (authenticatorId: string, enabled: boolean) =>
      keys.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
    let phoneId = "";
    await page.route("**/passkeys/begin", async (route) => {
      await touch(laptop, false);
      phoneId = await authenticator(keys, "usb");
      await route.continue();
    });
    await page.getByRole("button", { name: "Sign, then enrol" }).click();
    await page.waitForSelector("text=the key is yours");
    await page.unroute("**/passkeys/begin");
    await keys.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: phoneId });
    await touch(laptop, true);
    await page.waitForSelector("dialog li li >> nth=1");
    expect(await page.locator("dialog > div > ul > li").count(), "one person").toBe(1);
    expect(await flaws(page)).toEqual([]);
    await shoot(page, "people");
    const phone = page.locator("dialog li li", { hasText: "phone" });
    await phone.getByRole("button", { name: /^Revoke…/ }).click();
    await phone.getByRole("button", { name: /^Revoke it/ }).click();
    await page.waitForSelector("text=the passkey is revoked");
    expect(await page.locator("dialog li li").count()).toBe(1);
    await page.getByRole("button", { name: "Close" }).click();
  });

  test("decisions appear as an agent's session is replayed into it", async () => {
    expect(page.url(), "the token is out of the address").not.toContain("token");
    for (const { tool, input } of transcript) {
      calls += 1;
      hook("5b1f0a52-shop", "PreToolUse", {
        tool_name: tool,
        tool_use_id: `call-${calls}`,
        tool_input: input,
      });
    }
    await page.waitForSelector("[role=option][data-verdict=deny] >> text=rm -rf build/");
    await page.getByText("rm -rf build/").first().click();
    await page.waitForSelector("text=What the rules say");
    expect(await page.locator("mark").first().innerText()).toBe("~/");
    expect(opened.complaints.filter((it) => !it.includes("403"))).toEqual([]);
  });

  test("a new decision is there within a second", async () => {
    const asked = Date.now();
    ask("latency", "echo it is me");
    await page.waitForSelector("text=echo it is me");
    // The hook of a debug build and a busy machine take their time, too.
    expect(Date.now() - asked).toBeLessThan(5_000);
  });

  test("every page is accessible in both colours, and the policy refuses nothing of it", async () => {
    const pages = [
      "live",
      "approvals",
      "sessions",
      "sessions/5b1f0a52-shop",
      "agents",
      "policies",
      "oversight",
      "audit",
    ];
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const name of pages) {
        await page.evaluate((hash) => {
          window.location.hash = hash;
        }, `#/${name}`);
        await page.waitForSelector("h1");
        await page.waitForTimeout(400);
        expect(await flaws(page), `${name}, ${scheme}`).toEqual([]);
      }
    }
    const refused = opened.complaints.filter((it) => /Content Security Policy|Uncaught/.test(it));
    expect(refused).toEqual([]);
  });

  test("the log is verified by the browser, and an entry proved", async () => {
    execFileSync(program, ["audit", "checkpoint"], { env: environment });
    await page.evaluate(() => {
      window.location.hash = "#/audit/3";
    });
    await page.getByRole("button", { name: /^Verify/ }).click();
    await page.waitForSelector("text=all as they were signed");
    await page.waitForSelector("text=entry 3 is in the signed log, word for word");
  });

  test("a bit that is turned on the disk is seen, and where", async () => {
    const segment = join(state, "audit/000001.jsonl");
    const whole = readFileSync(segment);
    const turned = Buffer.from(whole);
    const at = whole.indexOf('"kind":"', whole.indexOf('{"seq":3,')) + 8;
    turned.writeUInt8(turned.readUInt8(at) ^ 1, at);
    writeFileSync(segment, turned);
    await page.reload();
    await page.waitForSelector("text=entry 3: its words are not what its hash was made of");
    // Of the log, and of the entry that is looked at.
    await page.waitForSelector("text=this does not hold >> nth=1");
    expect(await flaws(page)).toEqual([]);
    await shoot(page, "tampered");
    writeFileSync(segment, whole);
    await page.getByRole("button", { name: /^Verify/ }).click();
    await page.waitForSelector("text=all as they were signed");
  });

  test("the console finds its way back after the daemon was ended and started again, and misses nothing", async () => {
    await page.evaluate(() => {
      window.location.hash = "#/live";
    });
    await end(daemon);
    await page.waitForSelector("text=No connection for");
    // Decided by the hook itself.
    ask("meanwhile", "echo while nobody serves");
    daemon = await serve(PORT);
    await page.waitForSelector("text=echo while nobody serves");
    await page.waitForSelector("text=No connection for", { state: "detached" });
    expect(await page.getByText("echo while nobody serves").count()).toBe(1);
  });

  test("a person with a passkey pauses everything, and the next call of every session is refused", async () => {
    if (!enrolled) return;
    expect(ask("one", "echo before")).not.toContain("deny");
    await page.keyboard.press("P");
    await page.getByRole("button", { name: "Pause all" }).click();
    await page.waitForSelector("text=a person stepped in");
    expect(ask("one", "echo held")).toContain("deny");
    expect(ask("another", "echo held, too")).toContain("deny");
    await page.getByRole("button", { name: "Release…" }).first().click();
    await page.locator("dialog").getByRole("button", { name: "Release" }).click();
    await page.waitForSelector("text=released");
    expect(ask("one", "echo after")).not.toContain("deny");
  });

  test("a person lets a call through once, and says never when it comes again", async () => {
    if (!enrolled) return;
    const pushed = "git push --force origin main";
    expect(ask("two", pushed)).toContain("deny");
    await page.evaluate(() => {
      window.location.hash = "#/approvals";
    });
    const waiting = (words: string) => page.locator("main li a", { hasText: words }).first();
    await waiting(pushed).click();
    await page.waitForSelector("text=What would happen");
    expect(await page.locator("mark").first().innerText()).toBe("main");
    await shoot(page, "approval");
    await page.keyboard.press("a");
    await page.locator("dialog").getByRole("button", { name: "Approve" }).click();
    await page.waitForSelector("output >> text=approved");
    expect(ask("two", pushed), "let through, once").not.toContain("deny");
    expect(ask("two", pushed), "and no second time").toContain("deny");

    // So that it waits again, and is answered otherwise.
    await waiting(pushed).click();
    await page.keyboard.press("d");
    await page.locator("dialog").getByText("Never", { exact: true }).click();
    await page.locator("dialog").getByRole("button", { name: "Deny" }).click();
    await page.waitForSelector("output >> text=denied");
    const proposed = await page.getByLabel("the proposed rule").innerText();
    expect(proposed).toContain('when.effect = "vcs_remote"');
    await shoot(page, "never");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.waitForSelector("text=Nobody waits for you");
    expect(ask("two", pushed)).toContain("deny");
    expect(await waiting(pushed).count(), "never is not asked about again").toBe(0);
  });

  test("for a session, a person sees the rule before they say yes, and it covers that and no more", async () => {
    if (!enrolled) return;
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "config.toml"), '[approvals]\nmode = "queue"\n', { mode: 0o600 });
    const push = (flag: string, branch: string) => `git push ${flag} origin ${branch}`;
    expect(ask("four", push("--force", "topic"))).toContain("approval.waiting");
    await page.locator("main li a", { hasText: "topic" }).first().click();
    await page.waitForSelector("text=What a no costs");
    await page.keyboard.press("a");
    await page.locator("dialog").getByText("For this session", { exact: true }).click();
    const rule = page.getByLabel("the rule for this session");
    expect(await rule.innerText()).toContain("by force");
    expect(await rule.innerText()).toContain("topic");
    expect(await flaws(page)).toEqual([]);
    await shoot(page, "session-rule");
    await page.locator("dialog").getByRole("button", { name: "Approve" }).click();
    await page.waitForSelector("output >> text=approved");
    expect(ask("four", push("-f", "topic")), "in other words").not.toContain("deny");
    expect(ask("four", push("-f", "another"))).toContain("approval.waiting");
    expect(ask("five", push("-f", "topic")), "in another session").toContain("approval.waiting");
  });

  test("rules are written, tested, tried on what happened, put in force, and hold", async () => {
    await page.evaluate(() => {
      window.location.hash = "#/policies";
    });
    await page.getByRole("link", { name: /mine.toml/ }).click();
    const editor = page.locator(".cm-content");
    await editor.click();
    await page.keyboard.press("Control+A");
    const lines = [
      "[[rule]]",
      'id = "our.no-echo"',
      'outcom = "deny"',
      'why = "Nothing is left lying around."',
    ];
    lines.push(
      'owner = "us"',
      'maturity = "new"',
      'when.effect = ["write", "create"]',
      'when.program = "touch"',
    );
    expect(ask("six", "touch made-before")).not.toContain("deny");
    await page.keyboard.insertText(lines.join("\n"));
    await page.waitForSelector("text=/\\d to mend/");
    expect(await page.getByRole("button", { name: "Save…" }).isDisabled()).toBe(true);
    await shoot(page, "policy-wrong");
    await editor.click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(lines.join("\n").replace("outcom ", "outcome "));
    await page.waitForSelector("text=loads, with the built-in rules");
    await page.getByLabel("Test a command").fill("touch made");
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.waitForSelector("output >> text=our.no-echo");
    await page.getByRole("button", { name: /^Try on the last/ }).click();
    await page.waitForSelector("text=/[1-9]\\d* of \\d+ actions would be decided differently/");
    expect(await page.locator("main table").innerText()).toContain("touch made-before");
    expect(await flaws(page)).toEqual([]);
    await shoot(page, "policy");
    if (!enrolled) return;
    await page.getByRole("button", { name: "Save…" }).click();
    await page.locator("dialog").getByRole("button", { name: "Save" }).click();
    await page.waitForSelector("text=in force from the next action on");
    expect(ask("six", "touch made-after")).toContain("our.no-echo");
    rmSync(join(config, "rules"), { recursive: true });
  });

  test("a test among the requests looks as they do, runs nothing, and is told right after the answer", async () => {
    if (!enrolled) return;
    const queue = '[approvals]\nmode = "queue"\nprobes = true\nprobes_per_day = 3\n';
    writeFileSync(join(config, "config.toml"), queue, { mode: 0o600 });
    expect(ask("seven", "git push --force origin mine")).toContain("approval.waiting");
    await page.evaluate(() => {
      window.location.hash = "#/approvals";
    });
    await page.locator("main li a", { hasText: "mine" }).first().waitFor();
    const planted = page.locator("main li a").filter({ hasNotText: /git push|touch/ });
    await planted.first().click();
    await page.waitForSelector("text=What a no costs");
    await shoot(page, "probe");
    await page.keyboard.press("a");
    await page.locator("dialog").getByRole("button", { name: "Approve" }).click();
    await page.waitForSelector("text=That was a test, and it got through");
    await page.waitForSelector("text=nobody asked for this");
    expect(await flaws(page)).toEqual([]);
    await shoot(page, "reveal");
    await page.getByRole("button", { name: "Go on" }).click();
  });

  test("the oversight page says what `ringfence oversight --json` says", async () => {
    const printed = execFileSync(program, ["oversight", "--json"], { env: environment }).toString();
    const { guard } = JSON.parse(printed) as { guard: Record<string, unknown> };
    await page.evaluate(() => {
      window.location.hash = "#/oversight";
    });
    await page.waitForSelector("text=What Ringfence's own log tells");
    // What was counted when the page was last looked at may be a minute old, and says so.
    await page.getByRole("button", { name: "Count again" }).click();
    await page.getByRole("button", { name: "Count again", disabled: false }).waitFor();
    const row = (name: string) =>
      page.locator("main div", { has: page.getByText(name, { exact: true }) }).last();
    expect(await row("actions decided").innerText()).toContain(Number(guard.decisions).toLocaleString());
    for (const [name, field] of [
      ["approved in the queue", "reviews_approved"],
      ["planted dangers caught", "vigilance"],
      ["asked about, and ran", "asked_and_ran"],
    ] as const) {
      const share = guard[field] as { count: number; n: number; share: number };
      // Of nothing, nothing is known.
      if (share.n === undefined) continue;
      const words = await row(name).innerText();
      expect(words, name).toContain(`${share.count} of ${share.n}`);
      expect(words, name).toContain(percent(share.share));
    }
    await shoot(page, "oversight");
  });

  test("a person ends one session: its agent is gone, with what it started, and others go on", async () => {
    if (!enrolled) return;
    // An agent that has asked its hook something, and goes on working.
    const message = join(home, "message.json");
    const fields = { tool_name: "Bash", tool_use_id: "v1", tool_input: { command: "echo working" } };
    const base = { session_id: "runaway", transcript_path: join(home, "r.jsonl"), cwd: project };
    writeFileSync(message, JSON.stringify({ ...base, hook_event_name: "PreToolUse", ...fields }));
    const asks = `${program} hook claude-code --state ${state} --config ${config} --home ${home} < ${message}`;
    const agent = spawn("sh", ["-c", `${asks} > /dev/null; sleep 600 & wait`], {
      cwd: project,
      stdio: "ignore",
    });
    const gone = new Promise((resolve) => agent.once("exit", resolve));
    await page.evaluate(() => {
      window.location.hash = "#/live";
    });
    await page.waitForSelector("text=echo working");
    await page.evaluate(() => {
      window.location.hash = "#/sessions/runaway";
    });
    await page.waitForSelector("text=step 1 of");
    await page.keyboard.press("p");
    await page.locator("dialog").getByText("Kill", { exact: true }).first().click();
    await page.locator("dialog").getByRole("button", { name: "Kill" }).click();
    await page.waitForSelector("text=Kill: in force");
    await gone;
    expect(ask("runaway", "echo again")).toContain("deny");
    expect(ask("another", "echo as before")).not.toContain("deny");
  });
});
