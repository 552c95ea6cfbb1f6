import type { Page } from "./route";

const PATHS: Record<Page | "stop" | "theme" | "passkey" | "help", string> = {
  live: "M2 8h2.5l2-5 3 10 2-5H14",
  approvals: "M3 2.5h10v11H3z M5.5 8l2 2 3.5-4",
  sessions: "M3 4h10 M3 8h6 M3 12h8",
  agents: "M4 6h8v6H4z M8 3v3 M6.5 9h.1 M9.5 9h.1 M2 9h2 M12 9h2",
  policies: "M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4z",
  oversight: "M3 13V8 M7 13V4 M11 13v-7 M2 13.5h12",
  audit: "M3 2.5h7l3 3v8H3z M5.5 9l2 2 3.5-4.5",
  stop: "M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5z M6.5 6v4 M9.5 6v4",
  theme: "M8 3a5 5 0 1 0 0 10z M8 3a5 5 0 0 1 0 10",
  passkey: "M6 9a3 3 0 1 1 2.5-2.9 M8 7l6 6 M11.5 10.5 10 12 M6 6h.1",
  help: "M5.8 6a2.2 2.2 0 1 1 3.3 1.9c-.8.5-1.1.9-1.1 1.6 M8 12v.2",
};

export function Icon({ of }: { of: keyof typeof PATHS }) {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <path
        d={PATHS[of]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
