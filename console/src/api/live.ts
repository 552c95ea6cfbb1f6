// The live stream. It is read with `fetch` and not with an `EventSource`, so that the first request can already
// say what is known, and an answer that refuses can be told from a connection that broke.

import type { Entry, LiveState } from "./types";

export interface Message {
  id: string | undefined;
  event: string;
  data: string;
}

/** Puts messages together from pieces of a stream (the `text/event-stream` format). */
export class Messages {
  private rest = "";
  private id: string | undefined;
  private event = "";
  private data: string[] = [];

  /** What is whole with this piece. */
  push(piece: string): Message[] {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    const whole: Message[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) {
          whole.push({ id: this.id, event: this.event || "message", data: this.data.join("\n") });
        }
        this.event = "";
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "id") this.id = value;
      else if (field === "event") this.event = value;
      else if (field === "data") this.data.push(value);
    }
    return whole;
  }
}

export type Connection =
  | { state: "connecting" }
  | { state: "live"; since: number }
  | { state: "lost"; since: number; retryAt: number }
  | { state: "refused"; status: number };

export interface Listener {
  entries(entries: Entry[]): void;
  state(state: LiveState): void;
  connection(connection: Connection): void;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Longest without a sign of life: the server says something every 15 seconds. */
const SILENCE = 40_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;

/**
 * Listens from `after` on until stopped. After a break it goes on behind the last entry that arrived, so that
 * none is missed and none comes twice.
 */
export function listen(after: number, listener: Listener): { stop(): void } {
  let last = after;
  let stopped = false;
  let wait = FIRST_WAIT;
  let lostAt = 0;
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const take = (message: Message): Entry[] => {
    const said = parsed(message.data);
    if (message.event === "state" && said) listener.state(said as LiveState);
    const inBrief = message.event === "brief";
    if (message.event !== "entry" && !inBrief) return [];
    const entries = (inBrief && Array.isArray(said) ? said : [said]) as (Entry | undefined)[];
    const found: Entry[] = [];
    for (const entry of entries) {
      const seq = Number((inBrief ? undefined : message.id) ?? entry?.seq);
      if (!Number.isSafeInteger(seq) || seq <= last || typeof entry?.kind !== "string") continue;
      last = seq;
      found.push(inBrief ? { ...entry, seq, brief: true } : { ...entry, seq });
    }
    // A line that cannot be read is passed over, and not asked for again and again.
    const id = Number(message.id);
    if (Number.isSafeInteger(id)) last = Math.max(last, id);
    return found;
  };

  const read = async (): Promise<void> => {
    abort = new AbortController();
    let alarm = setTimeout(() => abort.abort(), SILENCE);
    try {
      const response = await fetch("/api/v1/live?brief=true", {
        headers: { Accept: "text/event-stream", "Last-Event-ID": String(last) },
        credentials: "same-origin",
        cache: "no-store",
        signal: abort.signal,
      });
      if (response.status === 401 || response.status === 403) {
        stopped = true;
        listener.connection({ state: "refused", status: response.status });
        return;
      }
      if (!response.ok || !response.body) throw new Error(String(response.status));
      wait = FIRST_WAIT;
      lostAt = 0;
      listener.connection({ state: "live", since: Date.now() });
      const messages = new Messages();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(alarm);
        alarm = setTimeout(() => abort.abort(), SILENCE);
        const entries = messages.push(value).flatMap(take);
        if (entries.length > 0) listener.entries(entries);
      }
    } finally {
      clearTimeout(alarm);
    }
  };

  const run = async (): Promise<void> => {
    while (!stopped) {
      await read().catch(() => undefined);
      if (stopped) return;
      lostAt ||= Date.now();
      listener.connection({ state: "lost", since: lostAt, retryAt: Date.now() + wait });
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, wait);
      });
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  };
  listener.connection({ state: "connecting" });
  void run();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      abort.abort();
    },
  };
}
