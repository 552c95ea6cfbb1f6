// The figures of the report as rows: what each is, what it is made of, and what others have published.

export interface Share {
  count: number;
  n: number;
  share: number;
  low: number;
  high: number;
}

export interface Times {
  n: number;
  p50_ms: number;
  p90_ms: number;
  p99_ms: number;
  p999_ms: number;
}

/** What others have published: in words, and as marks on the same scale. */
export interface Baseline {
  words: string;
  marks: number[];
}

export type Row =
  | { name: string; kind: "share"; share: Share | undefined; baseline?: Baseline; groups?: Group[] }
  | { name: string; kind: "times"; times: Times | undefined; baseline?: Baseline }
  | { name: string; kind: "number"; value: number | undefined; made: string; baseline?: Baseline };

export interface Group {
  name: string;
  share: Share;
  /** The same from week to week, oldest first; `name` is the Monday. */
  weeks?: Group[];
}

/** One figure as agents' transcripts tell it, and as Ringfence's own log does. */
export interface Both {
  name: string;
  transcripts: string | undefined;
  log: string | undefined;
  published?: string;
}

export interface Section {
  title: string;
  rows: Row[];
}

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

function shareOf(value: unknown): Share | undefined {
  const { count, n, share, low, high } = fields(value);
  const all = [count, n, share, low, high];
  return all.every((it) => typeof it === "number") ? (value as Share) : undefined;
}

function timesOf(value: unknown): Times | undefined {
  const { n, p50_ms, p90_ms } = fields(value);
  return [n, p50_ms, p90_ms].every((it) => typeof it === "number") ? (value as Times) : undefined;
}

function groupsOf(value: unknown, of = ""): Group[] {
  if (!Array.isArray(value)) {
    return Object.entries(fields(value)).flatMap(([name, it]) => {
      const share = shareOf(it);
      return share ? [{ name, share }] : [];
    });
  }
  return value.flatMap((it) => {
    const share = shareOf(it);
    return share ? [{ name: `${of} ${String(fields(it).group ?? "")}`, share }] : [];
  });
}

/** Counts by name as shares of all of them. */
function partsOf(value: unknown): Group[] {
  const counts = Object.entries(fields(value)).filter(
    (it): it is [string, number] => typeof it[1] === "number",
  );
  const n = counts.reduce((sum, [, count]) => sum + count, 0);
  if (n === 0) return [];
  return counts
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => ({ name, share: { count, n, share: count / n, ...wilson(count, n) } }));
}

/** The interval in which the share lies with 95 % (Wilson). */
export function wilson(count: number, n: number): { low: number; high: number } {
  const z = 1.959964;
  const p = count / n;
  const below = 1 + (z * z) / n;
  const middle = (p + (z * z) / (2 * n)) / below;
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / below;
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

const MINUTE = 60_000;

/** What `ringfence oversight --json` prints, as sections. */
export function sectionsOf(report: unknown): Section[] {
  const all = fields(report);
  const guard = fields(all.guard);
  const share = (name: string, value: unknown, baseline?: Baseline, groups: Group[] = []): Row => ({
    name,
    kind: "share",
    share: shareOf(value),
    ...(baseline ? { baseline } : {}),
    groups,
  });
  const times = (name: string, value: unknown, baseline?: Baseline): Row => ({
    name,
    kind: "times",
    times: timesOf(value),
    ...(baseline ? { baseline } : {}),
  });
  return [
    {
      title: "Are people still reading?",
      rows: [
        share(
          "prompts approved",
          all.approval_rate,
          { words: "93 %", marks: [0.93] },
          groupsOf(all.approval_by_prompt, "prompt"),
        ),
        times("time to answer a prompt", all.approval_latency),
        share("approved within 2 s", all.rubber_stamps),
        share(
          "planted dangers caught",
          guard.vigilance,
          { words: "13.6 %", marks: [0.136] },
          groupsOf(guard.vigilance_by_reviewer).map((it) => ({
            ...it,
            weeks: groupsOf(fields(guard.vigilance_by_week)[it.name]).map((week) => ({
              ...week,
              name: week.name.trim(),
            })),
          })),
        ),
      ],
    },
    {
      title: "Who decides?",
      rows: [
        share(
          "sessions with everything unasked",
          all.everything_unasked,
          { words: "20 → 40 %", marks: [0.2, 0.4] },
          groupsOf(all.everything_by_session, "session"),
        ),
        share("calls let run without a person", all.let_run_unasked, undefined, partsOf(all.layers)),
        share("calls that cannot be undone", all.irreversible, { words: "0.8 %", marks: [0.008] }),
        share("calls that the gate decided", all.coverage),
        share("denied, and run later", all.denials_overridden),
      ],
    },
    {
      title: "Can people step in?",
      rows: [
        times("length of a turn", all.turn_duration, {
          words: "median 45 s; p99.9 25 → 45 min",
          marks: [45_000, 25 * MINUTE, 45 * MINUTE],
        }),
        share("turns interrupted", all.interrupt_rate, { words: "5 → 9 %", marks: [0.05, 0.09] }),
        share(
          "turns that end in a question",
          all.clarification_rate,
          undefined,
          groupsOf(all.clarification_by_calls, "calls"),
        ),
        {
          name: "interventions per session",
          kind: "number",
          value:
            typeof all.interventions_per_session === "number" ? all.interventions_per_session : undefined,
          made: `${String(all.interventions ?? 0)} in ${String(all.sessions_with_turns ?? 0)} sessions`,
          baseline: { words: "5.4 → 3.3", marks: [] },
        },
        times("irreversible call to stepping in", all.time_to_intervene),
      ],
    },
    {
      title: "What Ringfence's own log tells",
      rows: [
        {
          name: "actions decided",
          kind: "number",
          value: typeof guard.decisions === "number" ? guard.decisions : undefined,
          made: "",
        },
        share("by verdict", undefined, undefined, partsOf(guard.verdicts)),
        share("by layer", undefined, undefined, partsOf(guard.layers)),
        share("asked about, and ran", guard.asked_and_ran),
        share("denied, and let through once", guard.denials_overridden),
        share("approved in the queue", guard.reviews_approved, { words: "93 %", marks: [0.93] }),
        times("time to answer in the queue", guard.review_latency),
        share("answered there within 2 s", guard.review_rubber_stamps),
        times("first alarm to a person's act", guard.time_to_intervene),
      ],
    },
  ];
}

/** What both tell: transcripts are the agents' word, the log is Ringfence's. */
export function bothOf(report: unknown): Both[] {
  const all = fields(report);
  const guard = fields(all.guard);
  const count = (value: unknown) =>
    typeof value === "number" && value > 0 ? value.toLocaleString() : undefined;
  const share = (value: unknown) => {
    const it = shareOf(value);
    return it && `${percent(it.share)} of ${it.n.toLocaleString()}`;
  };
  const times = (value: unknown) => {
    const it = timesOf(value);
    return it && `${duration(it.p50_ms)}, n = ${it.n.toLocaleString()}`;
  };
  return [
    { name: "calls", transcripts: count(all.calls), log: count(guard.decisions) },
    {
      name: "approved when asked",
      transcripts: share(all.approval_rate),
      log: share(guard.reviews_approved),
      published: "93 %",
    },
    {
      name: "median time to answer",
      transcripts: times(all.approval_latency),
      log: times(guard.review_latency),
    },
    {
      name: "approved within 2 s",
      transcripts: share(all.rubber_stamps),
      log: share(guard.review_rubber_stamps),
    },
    {
      name: "denied, and run after all",
      transcripts: share(all.denials_overridden),
      log: share(guard.denials_overridden),
    },
    {
      name: "median time to step in",
      transcripts: times(all.time_to_intervene),
      log: times(guard.time_to_intervene),
    },
  ];
}

/** How much of what agents did the gate decided; `undefined` where it cannot be told. */
export const coverageOf = (report: unknown): Share | undefined => shareOf(fields(report).coverage);

/** `8.4 %`. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value >= 99.95) return `${value.toFixed(0)} %`;
  return value < 1 ? `${value.toFixed(2)} %` : `${value.toFixed(1)} %`;
}

/** A length of time as it is said. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1_000;
  if (seconds < 1) return `${Math.round(milliseconds)} ms`;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = seconds / 60;
  return minutes < 90 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}
