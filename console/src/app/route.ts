// Where one is, in the part of the address behind `#`: nothing of it reaches the server.

import { useSyncExternalStore } from "react";

export const PAGES = ["live", "approvals", "sessions", "agents", "policies", "oversight", "audit"] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  page: Page;
  /** What of the page is looked at. */
  id: string;
  params: URLSearchParams;
}

export function parse(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page = "", id = ""] = path.split("/", 2);
  const known = PAGES.find((it) => it === page) ?? "live";
  return { page: known, id: decode(id), params: new URLSearchParams(search) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

export function address(page: Page, id = "", params: Record<string, string> = {}): string {
  const search = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== ""));
  const tail = search.size > 0 ? `?${search}` : "";
  return `#/${page}${id ? `/${encodeURIComponent(id)}` : ""}${tail}`;
}

export function go(to: string): void {
  window.location.hash = to;
}

/** Changes the address without a new step in the history: a filter, a line that is looked at. */
export function become(to: string): void {
  window.history.replaceState(null, "", to);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

let lastHash = "";
let lastRoute = parse("");

function current(): Route {
  const { hash } = window.location;
  if (hash !== lastHash) {
    lastHash = hash;
    lastRoute = parse(hash);
  }
  return lastRoute;
}

function subscribe(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, current);
}
