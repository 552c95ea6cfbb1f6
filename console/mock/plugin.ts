import { gunzipSync } from "node:zlib";
// A daemon for those who work on the console: it speaks the daemon's HTTP interface over entries that a real
// gate has recorded (`record.py`), and makes as many of them as one likes.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import type { Approval, Effect, Entry, Hold, Session } from "../src/api/types";
import { matches, NO_FILTER, sentenceOf, summaryOf } from "../src/model/entry";
import { agents, oversight, policies } from "./data/pages";

const read = (name: string) => readFileSync(new URL(`./data/${name}`, import.meta.url), "utf8");
const lines = read("entries.jsonl").trimEnd().split("\n");
const recorded = lines.map((line) => JSON.parse(line) as Entry);
const proofs = JSON.parse(read("proofs.json")) as {
  checkpoint: string;
  key: string;
  tiles: Record<string, string>;
  entries: Record<string, string>;
  log: string;
};

/** As the console is served: nothing from elsewhere, and nothing inline. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface Settings {
  /** Entries in the log when it starts. */
  entries: number;
  /** New entries a second. */
  rate: number;
}

/** A log without end: what was recorded, over and over, each time a little later. */
class Log {
  private readonly begun = Date.now();
  private readonly first: number;
  private extra = 0;

  constructor(private readonly settings: Settings) {
    this.first = settings.entries;
  }

  get last(): number {
    return this.first + Math.floor(((Date.now() - this.begun) / 1_000) * this.settings.rate) + this.extra;
  }

  /** One more, now. */
  push(): void {
    this.extra += 1;
  }

  at(seq: number): Entry {
    const template = recorded[(seq - 1) % recorded.length] as Entry;
    const round = Math.floor((seq - 1) / recorded.length);
    const rounds = Math.floor((this.first - 1) / recorded.length);
    const behind = this.first - seq;
    const at = new Date(this.begun - behind * 1_700).toISOString();
    const session = template.session && round < rounds ? `${template.session}-${round}` : template.session;
    return { ...template, seq, at, ...(session ? { session } : {}) };
  }

  *back(from: number): Generator<Entry> {
    for (let seq = Math.min(from, this.last); seq >= 1; seq--) yield this.at(seq);
  }
}

interface World {
  log: Log;
  approvals: Approval[];
  holds: Hold[];
  challenges: Map<string, string>;
  me: { role: string; person: string | null; csrf: string; passkeys: number };
  changed: Set<() => void>;
  loggedIn: boolean;
}

function world(settings: Settings): World {
  return {
    log: new Log(settings),
    approvals: approvalsOf(),
    holds: [],
    challenges: new Map(),
    me: { role: "admin", person: "heron", csrf: "mock-csrf", passkeys: 1 },
    changed: new Set(),
    loggedIn: true,
  };
}

const BLAST: Record<string, string> = {
  "git.delete-branch": "the commits of feature/refunds that are nowhere else",
  "infra.destroy": "every volume of this project, with the databases in them",
  "db.destroy": "the table orders on db.internal, which others use",
};

function inWords(effect: Effect): string {
  const { deed, target } = sentenceOf(effect);
  return `${deed} ${target}`;
}

function approvalsOf(): Approval[] {
  const asked = recorded.filter((it) => it.decision?.verdict === "ask");
  const now = Date.now();
  return asked
    .map((entry, at): Approval => {
      const rule = entry.decision?.rules?.[0];
      return {
        code: `k${at}mx`,
        digest: `sha256:${createHash("sha256").update(String(at)).digest("hex")}`,
        agent: entry.agent ?? "",
        session: entry.session ?? "",
        tool: entry.action?.tool ?? "",
        input: entry.action?.input,
        cwd: entry.action?.cwd ?? null,
        rule: rule?.id ?? "",
        why: rule?.why ?? "",
        instead: rule?.instead ?? null,
        effects: (entry.decision?.effects ?? []).slice(0, 3).map(inWords),
        evidence: rule?.evidence ?? [],
        seen: ["what docs.payments.example returned, which looks like an instruction", "the file .env"].slice(
          at % 3,
        ),
        blast: BLAST[rule?.id ?? ""] ?? "files of this project",
        cost_of_no: "the agent goes on with what it can do without it",
        risk: 92 - at * 11,
        opened: new Date(now - at * 40_000).toISOString(),
        expires: new Date(now + 3_600_000).toISOString(),
        sessions: at === 1 ? [entry.session ?? "", "c0a9-research"] : [entry.session ?? ""],
        needs: at === 0 ? 2 : 1,
        approved_by: [],
        for_session:
          at % 2 === 0
            ? [`by ${entry.action?.tool}, in ${entry.action?.cwd}`, "vcs remote feature-x, by force"]
            : [],
        shown: `sha256:shown-${at}`,
      };
    })
    .sort((a, b) => b.risk - a.risk);
}

function sessionsOf({ log, holds }: World): Session[] {
  const found = new Map<string, Session>();
  let seen = 0;
  for (const entry of log.back(log.last)) {
    if (seen++ > 12_000) break;
    const { session: id, decision } = entry;
    if (!id) continue;
    const session = found.get(id) ?? {
      id,
      agent: entry.agent ?? "",
      title: id.startsWith("9d2e") ? null : "/home/u/shop",
      started: entry.at,
      last: entry.at,
      last_seq: entry.seq,
      calls: 0,
      asked: 0,
      denied: 0,
      contained: 0,
      taint: [],
      boundaries: [],
      held: holds.find((it) => it.session === id) ?? null,
      alive: found.size < 5,
    };
    found.set(id, session);
    session.started = entry.at;
    if (decision) session.calls += 1;
    if (decision?.verdict === "ask") session.asked += 1;
    if (decision?.verdict === "deny") session.denied += 1;
    if (decision?.verdict === "contain") session.contained += 1;
    if (typeof entry.taints === "string") {
      session.taint = [
        { kind: entry.taints, why: "what a tool returned looks like an instruction", since: entry.at },
      ];
    }
    const boundaries =
      (entry.intent as { boundaries?: { operation: string }[] } | undefined)?.boundaries ?? [];
    if (boundaries.length > 0) session.boundaries = boundaries.map((it) => it.operation);
  }
  return [...found.values()];
}

type Reply = { status?: number; json?: unknown; bytes?: Uint8Array };

function answer(all: World, method: string, url: URL, body: Record<string, unknown>): Reply {
  const path = url.pathname.replace(/^\/api\/v1/, "");
  const search = url.searchParams;
  if (path === "/health")
    return { json: { ok: true, version: "0.0.0", bundle: policies.bundle, seq: all.log.last } };
  if (path === "/login") {
    all.loggedIn = body.token === "mock";
    return all.loggedIn
      ? { status: 204 }
      : { status: 401, json: { error: "that token was used, or never was one" } };
  }
  if (!all.loggedIn)
    return { status: 401, json: { error: "not logged in; open the address that `ringfence serve` printed" } };
  if (path === "/logout") {
    all.loggedIn = false;
    return { status: 204 };
  }
  if (path === "/me") return { json: all.me };
  if (path === "/events") return { json: eventsOf(all.log, search) };
  if (path === "/sessions") return { json: { sessions: sessionPage(all, search) } };
  if (path.startsWith("/sessions/")) return sessionOf(all, decodeURIComponent(path.slice(10)));
  if (path === "/holds" && method === "GET") return { json: { holds: all.holds } };
  if (path === "/approvals") {
    const budget = { per_hour: 12, left: 9, person: "person-heron" };
    const pending = all.approvals.length + 2;
    return { json: { approvals: all.approvals, budget, pending, over_budget: 2, by_default: 1 } };
  }
  if (path === "/agents") return { json: agents };
  if (path === "/policies") return { json: policies };
  if (path === "/policies/check") return { json: { diagnostics: problemsOf(String(body.text)) } };
  if (path === "/passkeys") return { json: people };
  if (path === "/passkeys/code") return { status: 204 };
  if (path === "/policies/try") return { json: tried() };
  if (path === "/policies/replay") return { json: replayed() };
  if (path === "/oversight") return { json: oversight };
  if (path.startsWith("/audit/")) return auditFile(path.slice(7));
  if (path === "/challenge") return challenge(all, body);
  return proved(all, method, path, body);
}

function eventsOf(log: Log, search: URLSearchParams) {
  const filter = { ...NO_FILTER, ...Object.fromEntries(search) } as typeof NO_FILTER;
  const limit = Math.min(1_000, Number(search.get("limit") ?? 200));
  const events: Entry[] = [];
  let looked = 0;
  for (const entry of log.back(Number(search.get("before") ?? log.last + 1) - 1)) {
    if (looked++ > 40_000 || entry.seq <= Number(search.get("after") ?? 0)) break;
    if (matches(entry, filter)) events.push(entry);
    if (events.length >= limit) break;
  }
  return { events: events.reverse(), last: log.last };
}

function sessionPage(all: World, search: URLSearchParams): Session[] {
  const before = search.get("before");
  const limit = Number(search.get("limit") ?? 100);
  return sessionsOf(all)
    .filter((it) => before === null || it.last_seq < Number(before))
    .slice(0, limit);
}

function sessionOf(all: World, id: string): Reply {
  const session = sessionsOf(all).find((it) => it.id === id);
  if (!session) return { status: 404, json: { error: "no session of this id is in the log" } };
  const events: Entry[] = [];
  let looked = 0;
  for (const entry of all.log.back(all.log.last)) {
    if (looked++ > 20_000) break;
    if (entry.session === id) events.push(entry);
  }
  return { json: { session, events: events.reverse() } };
}

function problemsOf(text: string) {
  return text.split("\n").flatMap((line, at) => {
    const column = line.indexOf("outcom ") + 1;
    const message = "there is no field `outcom`; did you mean `outcome`?";
    return column > 0 ? [{ line: at + 1, column, message }] : [];
  });
}

const people = {
  people: [
    {
      person: "person-heron",
      name: "heron",
      role: "admin",
      keys: [
        { id: "a1", name: "laptop", at: "2026-10-02T08:12:00Z" },
        { id: "a2", name: "phone", at: "2026-11-01T17:40:00Z" },
      ],
    },
    {
      person: "person-stork",
      name: "stork",
      role: "approver",
      keys: [{ id: "b1", name: "security key", at: "2026-11-12T09:00:00Z" }],
    },
  ],
  you: "person-heron",
};

function tried() {
  const decision = { verdict: "allow", decided_by: "default", code: "default" };
  return {
    before: decision,
    now: { ...decision, verdict: "deny", decided_by: "policy", code: "mine.no-deploys" },
  };
}

function replayed() {
  const asked = recorded.filter((it) => it.decision?.verdict === "ask" && it.action).slice(0, 3);
  const examples = asked.map((it, call) => ({
    session: it.session ?? "",
    call,
    text: it.action ? summaryOf(it.action) : "",
  }));
  const changed = [
    { rule: "mine.no-deploys", from: "allow", to: "deny", count: 14, examples },
    { rule: "mine.branches", from: "ask", to: "allow", count: 3, examples: examples.slice(0, 1) },
  ];
  return { actions: 48_211, unreadable: 0, changed };
}

function auditFile(path: string): Reply {
  if (path === "key") return { bytes: Buffer.from(`${proofs.key}\n`) };
  if (path === "checkpoint") return { bytes: Buffer.from(proofs.checkpoint) };
  const entry = /^entry\/(\d+)$/.exec(path)?.[1];
  const line = entry === undefined ? undefined : proofs.entries[entry];
  if (line) return { bytes: Buffer.from(line) };
  const after = /^entries\/(\d+)$/.exec(path)?.[1];
  if (after !== undefined) {
    const lines = gunzipSync(Buffer.from(proofs.log, "base64")).toString().split("\n");
    return { bytes: Buffer.from(lines.slice(Number(after), Number(after) + 100).join("\n")) };
  }
  const tile = proofs.tiles[path];
  return tile
    ? { bytes: Buffer.from(tile, "base64") }
    : { status: 404, json: { error: "the log has no such file" } };
}

function challenge(all: World, body: Record<string, unknown>): Reply {
  const id = randomBytes(8).toString("hex");
  all.challenges.set(id, JSON.stringify([body.method, body.path, body.body]));
  const options = {
    challenge: randomBytes(32).toString("base64url"),
    rpId: "localhost",
    userVerification: "preferred",
    allowCredentials: [],
    timeout: 120_000,
  };
  return { json: { id, options } };
}

function proved(all: World, method: string, path: string, body: Record<string, unknown>): Reply {
  const { proof, ...rest } = body as { proof?: { id: string; credential: unknown } };
  const wanted = JSON.stringify([method, `/api/v1${path}`, rest]);
  if (!proof?.credential || all.challenges.get(proof.id) !== wanted) {
    return { status: 403, json: { error: "no proof of a person for exactly this request" } };
  }
  all.challenges.delete(proof.id);
  const fields = rest as Record<string, string>;
  const changed = () => {
    for (const tell of all.changed) tell();
  };
  if (path.startsWith("/approvals/")) {
    const code = path.slice(11);
    const found = all.approvals.find((it) => it.code === code);
    if (!found) return { status: 404, json: { error: "nobody waits under this code any more" } };
    all.approvals = all.approvals.filter((it) => it.code !== code);
    changed();
    const text = "A planted request: nobody asked for it. Its command would have sent .env away.";
    const probe = found.rule === "db.destroy" ? { caught: fields.answer === "deny", text } : null;
    const rule = fields.scope === "once" ? null : `[[rule]]\nid = "mine.${found.rule}"\noutcome = "deny"\n`;
    return { json: { done: found.needs === 1, probe, proposed_rule: rule } };
  }
  if (path === "/holds") {
    all.holds.push({
      id: randomBytes(4).toString("hex"),
      kind: fields.kind as Hold["kind"],
      session: fields.session ?? null,
      by: "heron",
      reason: fields.reason ?? "",
      at: new Date().toISOString(),
    });
    changed();
    return { json: { holds: all.holds } };
  }
  const released = /^\/holds\/([^/]+)\/release$/.exec(path)?.[1];
  if (released) {
    all.holds = all.holds.filter((it) => it.id !== released);
    changed();
    return { json: { holds: all.holds } };
  }
  if (method === "PUT" && path.startsWith("/policies/own/")) return { status: 204 };
  return { status: 404, json: { error: "there is nothing at this address" } };
}

function live(all: World, request: IncomingMessage, response: ServerResponse): void {
  let last = Number(request.headers["last-event-id"] ?? all.log.last);
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const state = () => {
    const data = JSON.stringify({ approvals: all.approvals.length, holds: all.holds });
    response.write(`event: state\ndata: ${data}\n\n`);
  };
  const entries = () => {
    for (; last < all.log.last; last++) {
      response.write(`id: ${last + 1}\nevent: entry\ndata: ${JSON.stringify(all.log.at(last + 1))}\n\n`);
    }
  };
  state();
  const timer = setInterval(entries, 250);
  all.changed.add(state);
  request.on("close", () => {
    clearInterval(timer);
    all.changed.delete(state);
  });
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

export function mock(settings: Settings = settingsOf(process.env)): Plugin {
  const all = world(settings);
  const serve = async (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (!url.pathname.startsWith("/api/v1/")) return next();
    if (url.pathname === "/api/v1/live") return live(all, request, response);
    const reply = answer(all, request.method ?? "GET", url, await bodyOf(request));
    response.statusCode = reply.status ?? 200;
    if (reply.bytes) return void response.end(reply.bytes);
    response.setHeader("Content-Type", "application/json");
    response.end(reply.json === undefined ? "" : JSON.stringify(reply.json));
  };
  return {
    name: "mock-daemon",
    configureServer: (server) => void server.middlewares.use(serve),
    configurePreviewServer: (server) => {
      server.middlewares.use((_, response, next) => {
        response.setHeader("Content-Security-Policy", POLICY);
        next();
      });
      server.middlewares.use(serve);
    },
  };
}

function settingsOf(env: Record<string, string | undefined>): Settings {
  return { entries: Number(env.ENTRIES ?? 1_000_000), rate: Number(env.RATE ?? 1) };
}
