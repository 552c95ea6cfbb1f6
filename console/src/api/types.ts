// What the daemon's HTTP interface speaks, version 1. Unknown fields are ignored, missing ones of an
// entry are possible: entries are as old as the log.

export type Verdict = "allow" | "contain" | "ask" | "deny";

/** Where words stand: a JSON Pointer into the action, and UTF-8 bytes from start to end, end excluded. */
export interface Evidence {
  in: string;
  span: [number, number];
  text: string;
}

export type Target =
  | { known: string }
  | { one_of: string[] }
  | { pattern: string }
  | { unknown: unknown }
  | string;

export interface Effect {
  kind: string;
  target?: Target;
  scope?: string | Record<string, string>;
  evidence?: Evidence;
  [attribute: string]: unknown;
}

export interface Rule {
  id: string;
  outcome: string;
  why?: string;
  instead?: string;
  evidence?: Evidence[];
}

export interface Opaque {
  reason: string;
  detail?: string;
  evidence?: Evidence;
}

export interface Decision {
  id?: string;
  verdict: Verdict;
  decided_by: string;
  code: string;
  rules?: Rule[];
  effects?: Effect[];
  opaque?: Opaque[];
  scores?: Record<string, number>;
  bundle?: string;
  elapsed_us?: number;
}

export interface Action {
  id?: string;
  tool: string;
  input: unknown;
  cwd?: string;
  agent?: { kind: string };
  session?: string;
}

/** One entry of the audit log. */
export interface Entry {
  seq: number;
  prev?: string;
  hash?: string;
  at: string;
  kind: string;
  agent?: string;
  session?: string;
  event?: string;
  action?: Action;
  facts?: Record<string, unknown>;
  decision?: Decision;
  /** It came live, with no more of it than a row has room for. */
  brief?: true;
  [field: string]: unknown;
}

export interface Taint {
  kind: string;
  why: string;
  since: string;
}

export interface Hold {
  id: string;
  kind: HoldKind;
  session: string | null;
  by: string;
  reason: string;
  at: string;
}

export type HoldKind = "pause" | "deny_all" | "ask_all" | "kill";

export interface Session {
  id: string;
  agent: string;
  title: string | null;
  started: string;
  last: string;
  /** The number of its newest entry. */
  last_seq: number;
  calls: number;
  asked: number;
  denied: number;
  contained: number;
  taint: Taint[];
  boundaries: string[];
  held: Hold | null;
  alive: boolean;
}

export interface Approval {
  code: string;
  digest: string;
  agent: string;
  session: string;
  tool: string;
  /** Either as the agent sent it, or the telling part of it as text. */
  input: unknown;
  cwd: string | null;
  /** Whether it was refused; else it waits. */
  denied?: boolean;
  rule: string;
  why: string;
  instead: string | null;
  effects: string[];
  evidence: Evidence[];
  seen: string[];
  blast: string;
  cost_of_no: string;
  risk: number;
  opened: string;
  expires: string;
  sessions: string[];
  needs: number;
  approved_by: string[];
  /** What a yes for the session covers, line by line; empty where it is for this very call. */
  for_session: string[];
  /** The digest of all of this, which an answer names. */
  shown: string;
}

export interface Approvals {
  /** What this person is shown. */
  approvals: Approval[];
  budget: { per_hour: number; left: number; person: string | null };
  /** All that waits, whoever is shown it. */
  pending: number;
  /** What this person is not shown. */
  over_budget: number;
  /** What was decided by the stricter default in the last hour, since nobody was shown it. */
  by_default: number;
}

export interface Key {
  id: string;
  name: string;
  at: string;
}

export interface People {
  people: { person: string; name: string; role: "approver" | "admin"; keys: Key[] }[];
  /** Who looks, as far as that is known. */
  you: string | null;
}

export interface Answered {
  done: boolean;
  probe: { caught: boolean; text: string } | null;
  proposed_rule: string | null;
}

export interface Me {
  role: "viewer" | "approver" | "admin";
  person: string | null;
  csrf: string;
  passkeys: number;
}

export interface LiveState {
  /** `null` where it cannot be told. */
  approvals: number | null;
  holds: Hold[] | null;
}

export interface AgentStatus {
  enforced: boolean;
  promise: string;
  agents: { kind: string; state: string; reason?: string; unguarded?: string[]; findings?: unknown[] }[];
}

export interface PolicyRule {
  id: string;
  outcome: string;
  why: string;
  instead?: string;
  maturity?: string;
  maps_to?: string[] | string;
}

export interface Policies {
  bundle: string;
  preset: string;
  packs: { name: string; rules: PolicyRule[] }[];
  own: { name: string; text: string }[];
}

export interface PolicyProblem {
  line: number;
  column: number;
  message: string;
}

export interface Change {
  rule: string;
  from: string;
  to: string;
  count: number;
  examples: { session: string; call: number; text: string }[];
}

/** What a call is decided as, by the rules in force and by a draft. */
export interface Tried {
  before: Decision;
  now: Decision;
}

export interface ReplayReport {
  actions: number;
  /** Entries that could not be read. */
  unreadable: number;
  changed: Change[];
  /** When the first of them was, and whether there are more of these days that were not looked at. */
  since?: string | null;
  more?: boolean;
}
