// What came in since the console was opened, and how the connection is. One stream serves every page.

import { useSyncExternalStore } from "react";
import { type Connection, listen } from "../api/live";
import type { Entry, Hold, LiveState } from "../api/types";

/** Entries that are kept at hand. What is older is asked for when it is looked at. */
const KEPT = 3_000;

export interface Live {
  connection: Connection;
  /** The newest entries, oldest first. */
  tail: readonly Entry[];
  /** Entries that came since the console was opened. */
  arrived: number;
  approvals: number | undefined;
  holds: readonly Hold[];
}

let now: Live = {
  connection: { state: "connecting" },
  tail: [],
  arrived: 0,
  approvals: undefined,
  holds: [],
};
const readers = new Set<() => void>();
let waiting: Entry[] = [];
let scheduled = false;

function change(to: Partial<Live>): void {
  now = { ...now, ...to };
  for (const reader of readers) reader();
}

// Thousands of entries a second arrive as a few changes a second.
function flush(): void {
  scheduled = false;
  const tail = now.tail.concat(waiting);
  const arrived = now.arrived + waiting.length;
  waiting = [];
  change({ tail: tail.length > KEPT ? tail.slice(-KEPT) : tail, arrived });
}

/** Starts to listen behind this entry. */
export function start(after: number, onState: (state: LiveState) => void): () => void {
  const { stop } = listen(after, {
    entries(entries) {
      waiting.push(...entries);
      if (waiting.length > KEPT * 2) waiting = waiting.slice(-KEPT);
      if (scheduled) return;
      scheduled = true;
      setTimeout(flush, 120);
    },
    state(state) {
      change({ approvals: state.approvals ?? undefined, holds: state.holds ?? [] });
      onState(state);
    },
    connection: (connection) => change({ connection }),
  });
  return stop;
}

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  return () => readers.delete(reader);
}

export function useLive<T>(select: (live: Live) => T): T {
  return useSyncExternalStore(subscribe, () => select(now));
}

export const holdsNow = (live: Live): readonly Hold[] => live.holds;
