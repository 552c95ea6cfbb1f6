// What an entry of the log says, in the few words that a row has room for.

import type { Action, Effect, Entry, Evidence, Hold, Target, Verdict } from "../api/types";
import { oneLine } from "./text";

export const VERDICTS: readonly Verdict[] = ["allow", "contain", "ask", "deny"];

/** The fields of an input that say most, in the order in which they are looked for. */
const TELLING = ["command", "cmd", "url", "file_path", "path", "query", "pattern", "prompt", "content"];

/** What a call asks for, in one line. */
export function summaryOf(action: Action): string {
  const { input } = action;
  if (typeof input === "string") return oneLine(input);
  if (typeof input !== "object" || input === null) return oneLine(JSON.stringify(input) ?? "");
  const fields = input as Record<string, unknown>;
  for (const name of TELLING) {
    const value = fields[name];
    if (typeof value === "string") return oneLine(value);
    if (Array.isArray(value)) return oneLine(value.join(" "));
  }
  return oneLine(JSON.stringify(input));
}

/** The longer texts of an input, each with the JSON Pointer by which evidence names it. */
export function textsOf(input: unknown): { pointer: string; name: string; text: string }[] {
  const texts: { pointer: string; name: string; text: string }[] = [];
  const walk = (value: unknown, pointer: string, name: string, depth: number): void => {
    if (texts.length >= 40) return;
    if (typeof value === "string") texts.push({ pointer, name, text: value });
    else if (typeof value === "object" && value !== null && depth < 6) {
      for (const [key, inner] of Object.entries(value)) {
        const step = key.replaceAll("~", "~0").replaceAll("/", "~1");
        walk(inner, `${pointer}/${step}`, name ? `${name}.${key}` : key, depth + 1);
      }
    } else if (value !== null && value !== undefined) {
      texts.push({ pointer, name, text: JSON.stringify(value) });
    }
  };
  walk(input, "/input", "", 0);
  return texts;
}

export interface Row {
  /** What stands in the column of verdicts. */
  verdict: Verdict | undefined;
  tool: string;
  text: string;
  rule: string;
}

/** An entry as a row. */
export function rowOf(entry: Entry): Row {
  const { action, decision } = entry;
  if (action && decision) {
    const rule = decision.code === "default" ? "" : decision.code;
    return { verdict: decision.verdict, tool: action.tool, text: summaryOf(action), rule };
  }
  return { verdict: undefined, tool: entry.kind, text: toldBy(entry), rule: text(entry.code) };
}

function toldBy(entry: Entry): string {
  switch (entry.kind) {
    case "session":
      return entry.event === "start" ? `begins (${text(entry.source) || "started"})` : (entry.event ?? "");
    case "prompt":
      return promptOf(entry);
    case "result":
      return entry.failed === true ? "failed" : "done";
    case "finding":
      return oneLine(firstOf(entry, "problem", "why", "message") || findingWhy(entry) || text(entry.code));
    case "approval":
      return `${text(entry.by) || "a person"} let it through: ${text(entry.rule)}`;
    case "review":
      return `${text(entry.reviewer)} said ${text(entry.answer)}, ${text(entry.scope)}: ${text(entry.rule)}`;
    case "refusal_by_person":
      return `${text(entry.by)} refused it, ${text(entry.scope)}: ${text(entry.rule)}`;
    case "refusal_by_default":
      return `refused, since nobody could look at it: ${text(entry.rule)}`;
    case "passkey":
      return `a passkey of ${text(entry.person)} was enrolled, by ${text(entry.by)}`;
    case "passkey_revoked":
      return `a passkey of ${text(entry.person)} was revoked, by ${text(entry.by)}`;
    case "hold":
    case "release":
      return heldBy(entry);
    default:
      return oneLine(firstOf(entry, "text", "message", "why", "reason", "event"));
  }
}

function heldBy(entry: Entry): string {
  const hold = (typeof entry.hold === "object" ? entry.hold : undefined) as Partial<Hold> | undefined | null;
  return [text(hold?.kind), text(hold?.reason), hold?.by && `(${text(hold.by)})`].filter(Boolean).join(" ");
}

function promptOf(entry: Entry): string {
  const intent = entry.intent as { boundaries?: unknown } | undefined | null;
  const ruledOut = Array.isArray(intent?.boundaries) ? (intent.boundaries as { operation?: unknown }[]) : [];
  const boundaries = ruledOut.map((it) => text(it?.operation) || "?");
  const said =
    boundaries.length > 0 ? `the user spoke; not to do: ${boundaries.join(", ")}` : "the user spoke";
  return text(entry.standing) === "unconfirmed" ? `${said} (not confirmed by a transcript)` : said;
}

function findingWhy(entry: Entry): string {
  const findings = Array.isArray(entry.findings) ? (entry.findings as { why?: unknown }[]) : [];
  return findings.map((it) => text(it?.why)).join("; ");
}

function firstOf(entry: Entry, ...names: string[]): string {
  // A digest tells nobody anything.
  const said = names.map((name) => text(entry[name])).filter((it) => !it.startsWith("sha256:"));
  return said.find(Boolean) ?? "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** All places that a decision points at, with what it says of them. */
export function evidenceOf(entry: Entry): Evidence[] {
  const { decision } = entry;
  if (!decision) return [];
  const ofRules = (decision.rules ?? []).flatMap((rule) => rule.evidence ?? []);
  const ofOpaque = (decision.opaque ?? []).flatMap((it) => (it.evidence ? [it.evidence] : []));
  return [...ofRules, ...ofOpaque];
}

/** The target of an effect in words. */
export function targetOf(target: Target | undefined): string {
  if (target === undefined) return "";
  if (typeof target === "string") return target === "unknown" ? "something unknown" : target;
  if ("known" in target) return target.known;
  if ("one_of" in target) return target.one_of.join(" or ");
  if ("pattern" in target) return target.pattern;
  return "something unknown";
}

const DEEDS: Record<string, string> = {
  read: "reads",
  write: "writes",
  create: "makes",
  delete: "deletes",
  metadata: "changes attributes of",
  exec: "runs",
  exec_code: "runs code of",
  net: "talks to",
  download_exec: "runs what it downloads from",
  privilege: "gets more rights by",
  credential: "uses a secret in",
  env_exec: "sets a variable that runs code:",
  persist: "leaves behind, to run later,",
  vcs_local: "changes the local repository:",
  vcs_remote: "changes the remote repository:",
  package: "changes packages:",
  infra: "changes infrastructure:",
  database: "works on the database",
  process: "acts on the process",
  message: "sends a message to",
  payment: "pays",
  browser: "acts in the browser:",
  guard: "tampers with the guard:",
};

/** Attributes that say where the effect stands and not what it does. */
const SILENT = new Set(
  "kind target scope evidence by args place classes url dir mechanism payload_place payload_classes source lang".split(
    " ",
  ),
);

/** An effect as a sentence, and what is said of it beside. */
export function sentenceOf(effect: Effect): { deed: string; target: string; notes: string[] } {
  const notes = Object.entries(effect)
    .filter(([name, value]) => !SILENT.has(name) && value !== false && value !== null)
    .map(([name, value]) => (value === true ? name : `${name} ${String(value)}`));
  if (typeof effect.scope === "object" && effect.scope !== null) {
    const [where, name] = Object.entries(effect.scope)[0] ?? [];
    notes.push(`in ${where} ${name}`.trim());
  }
  return { deed: DEEDS[effect.kind] ?? effect.kind, target: targetOf(effect.target), notes };
}

/** Records of what went as decided: true, needed for proof, and nothing to look at. */
const ROUTINE = new Set(["result", "session", "note", "usage"]);

/** Whether an entry is worth the look of somebody who watches. */
export function matters(entry: Entry): boolean {
  return !ROUTINE.has(entry.kind) || entry.failed === true;
}

/** Whether words of an entry were cut on the way: what is looked for may be among them. */
export function isCut(entry: Entry): boolean {
  return entry.brief === true && rowOf(entry).text.endsWith("…");
}

export interface Filter {
  q: string;
  verdict: Verdict | "";
  kind: string;
  session: string;
  rule: string;
}

export const NO_FILTER: Filter = { q: "", verdict: "", kind: "", session: "", rule: "" };

/** Whether an entry that just came belongs to what is looked at. The server does the same for what is older. */
export function matches(entry: Entry, filter: Filter): boolean {
  if (filter.kind && entry.kind !== filter.kind) return false;
  if (filter.session && entry.session !== filter.session) return false;
  if (filter.verdict && entry.decision?.verdict !== filter.verdict) return false;
  if (filter.rule && entry.decision?.code !== filter.rule) return false;
  if (!filter.q) return true;
  const row = rowOf(entry);
  const words =
    `${row.tool} ${row.text} ${row.rule} ${entry.session ?? ""} ${entry.agent ?? ""}`.toLowerCase();
  return filter.q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => words.includes(word));
}
