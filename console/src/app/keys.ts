// The keyboard: what each page can do by it, and the list that `?` shows.

import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Key {
  /** A key as the browser names it, or two, one after the other: `g l`. */
  keys: string;
  does: string;
  run: () => void;
}

const layers: { current: Key[] }[] = [];
const readers = new Set<() => void>();
let listed: Key[] = [];
let first: { key: string; at: number } | undefined;

/** How long the second of two keys may take. */
const PATIENCE = 1_200;

function told(): void {
  listed = layers.flatMap((layer) => layer.current);
  for (const reader of readers) reader();
}

/** Whether somebody is writing: then keys are letters. */
function writing(target: EventTarget | null): boolean {
  const element = target instanceof Element ? target : undefined;
  const inner = element?.shadowRoot?.activeElement ?? element;
  return !!inner?.closest(
    "input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable=true]",
  );
}

/** Whether Enter or Space belong to what has the focus. */
function acts(target: EventTarget | null): boolean {
  return target instanceof Element && !!target.closest("button, a, summary, input, [role=tab]");
}

function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== "Escape" && writing(event.composedPath()[0] ?? event.target)) return;
  if ((event.key === "Enter" || event.key === " ") && acts(event.target)) return;
  // Behind an open dialog nothing happens.
  if (document.querySelector("dialog[open]")) return;
  const two = first && event.timeStamp - first.at < PATIENCE ? `${first.key} ${event.key}` : undefined;
  first = undefined;
  for (const layer of [...layers].reverse()) {
    const found =
      layer.current.find((it) => it.keys === two) ?? layer.current.find((it) => it.keys === event.key);
    if (!found) continue;
    event.preventDefault();
    found.run();
    return;
  }
  if (listed.some((it) => it.keys.startsWith(`${event.key} `))) {
    first = { key: event.key, at: event.timeStamp };
  }
}

/** Offers these keys as long as the component is there. Later ones win. */
export function useKeys(keys: Key[]): void {
  const layer = useRef(keys);
  layer.current = keys;
  useEffect(() => {
    if (layers.length === 0) document.addEventListener("keydown", pressed);
    layers.push(layer);
    told();
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      if (layers.length === 0) document.removeEventListener("keydown", pressed);
      told();
    };
  }, []);
}

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  return () => readers.delete(reader);
}

/** What can be done by keys now. */
export function useKeyList(): Key[] {
  return useSyncExternalStore(subscribe, () => listed);
}
