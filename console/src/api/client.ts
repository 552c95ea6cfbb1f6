// One way to the daemon: everything that asks or changes something goes through here.

import { prove } from "./passkey";
import type {
  AgentStatus,
  Answered,
  Approvals,
  Entry,
  Hold,
  HoldKind,
  Me,
  People,
  Policies,
  PolicyProblem,
  ReplayReport,
  Session,
  Tried,
} from "./types";

const BASE = "/api/v1";

/** What the daemon answered instead of what was asked for. `status` is 0 where there was no answer. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The token against forged requests, known after `me`. */
let csrf = "";

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-Ringfence-CSRF"] = csrf;
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, "the daemon does not answer; is `ringfence serve` running?");
  }
  if (!response.ok) throw new Refused(response.status, await reasonOf(response));
  return response;
}

async function reasonOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => undefined)) as { error?: unknown } | undefined;
  return typeof body?.error === "string" ? body.error : `the daemon answered ${response.status}`;
}

async function get<T>(path: string): Promise<T> {
  return (await send("GET", path)).json() as Promise<T>;
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const text = await (await send("POST", path, body)).text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** A request that changes something: a person proves to be there, for exactly this request. */
async function proved<T>(method: string, path: string, body: Record<string, unknown>): Promise<T> {
  const whole = BASE + path;
  const challenge = await post<{ id: string; options: PublicKeyCredentialRequestOptionsJSON }>("/challenge", {
    method,
    path: whole,
    body,
  });
  const proof = { id: challenge.id, credential: await prove(challenge.options) };
  const text = await (await send(method, path, { ...body, proof })).text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export interface EventQuery {
  after?: number;
  before?: number;
  limit?: number;
  session?: string;
  kind?: string;
  verdict?: string;
  rule?: string;
  q?: string;
}

function query(fields: object): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

const segment = encodeURIComponent;

export const api = {
  async me(): Promise<Me> {
    const me = await get<Me>("/me");
    csrf = me.csrf;
    return me;
  },
  health: () => get<{ ok: boolean; version: string; bundle: string; seq: number }>("/health"),
  login: (token: string) => post<void>("/login", { token }),
  logout: () => post<void>("/logout", {}),
  events: (fields: EventQuery) => get<{ events: Entry[]; last: number }>(`/events${query(fields)}`),
  sessions: (fields: { limit?: number; before?: number | undefined }) =>
    get<{ sessions: Session[] }>(`/sessions${query(fields)}`),
  session: (id: string) => get<{ session: Session; events: Entry[] }>(`/sessions/${segment(id)}`),
  approvals: () => get<Approvals>("/approvals"),
  holds: () => get<{ holds: Hold[] }>("/holds"),
  agents: () => get<AgentStatus>("/agents"),
  policies: () => get<Policies>("/policies"),
  checkPolicy: (name: string, text: string) =>
    post<{ diagnostics: PolicyProblem[] }>("/policies/check", { name, text }),
  replayPolicy: (name: string, text: string, days: number) =>
    post<ReplayReport>("/policies/replay", { name, text, days }),
  tryPolicy: (name: string, text: string, command: string) =>
    post<Tried>("/policies/try", { name, text, action: { tool: "Bash", input: { command } } }),
  oversight: () => get<unknown>("/oversight"),
  /** `shown` is the digest of what the person was shown: what has changed since is not answered. */
  answer: (code: string, answer: "approve" | "deny", scope: "once" | "session" | "never", shown: string) =>
    proved<Answered>("POST", `/approvals/${segment(code)}`, { answer, scope, shown }),
  hold: (kind: HoldKind, session: string | null, reason: string) =>
    proved<unknown>("POST", "/holds", { kind, session, reason }),
  release: (id: string) => proved<unknown>("POST", `/holds/${segment(id)}/release`, {}),
  savePolicy: (name: string, text: string) => proved<void>("PUT", `/policies/own/${segment(name)}`, { text }),
  people: () => get<People>("/passkeys"),
  showCode: () => post<void>("/passkeys/code", {}),
  /** The first person of all, by the code alone; later ones are vouched for by an admin, who signs. */
  enrolFirst: (code: string, person: string, name: string) =>
    post<PublicKeyCredentialCreationOptionsJSON>("/passkeys/begin", { code, person, name }),
  enrolOther: (code: string, person: string, name: string) =>
    proved<PublicKeyCredentialCreationOptionsJSON>("POST", "/passkeys/begin", { code, person, name }),
  /** Another key of whoever signs. */
  enrolKey: (name: string) =>
    proved<PublicKeyCredentialCreationOptionsJSON>("POST", "/passkeys/begin", { name }),
  revoke: (id: string) => proved<void>("POST", `/passkeys/${segment(id)}/revoke`, {}),
  enrolFinish: (credential: unknown) => post<void>("/passkeys/finish", { credential }),
  /** A file of the signed log, as it is: a note, a tile or the line of an entry. */
  async file(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await (await send("GET", `/audit/${path}`)).arrayBuffer());
  },
};
