import { useMemo } from "react";
import type { Entry, Taint } from "../../api/types";
import { plain } from "../../model/text";
import styles from "./sessions.module.css";

const WIDTH = 1_000;
const HEIGHT = 54;

/** Where the session became tainted: what it was told at the time, and what the log found. */
function taintedAt(entries: readonly Entry[], taint: readonly Taint[]): { at: number; name: string }[] {
  const found = entries.flatMap((entry, at) =>
    entry.kind === "finding" && typeof entry.taints === "string" ? [{ at, name: entry.taints }] : [],
  );
  for (const it of taint) {
    if (found.some((other) => other.name === it.kind)) continue;
    const at = entries.findIndex((entry) => entry.at >= it.since);
    if (at >= 0) found.push({ at, name: it.kind });
  }
  return found.sort((a, b) => a.at - b.at);
}

interface Props {
  entries: readonly Entry[];
  taint: readonly Taint[];
  place: number;
  step: (to: number) => void;
}

/** The whole session in a line: a stroke for each step, and a ground that darkens where it became tainted. */
export function Strip({ entries, taint, place, step }: Props) {
  const bands = useMemo(() => taintedAt(entries, taint), [entries, taint]);
  const width = WIDTH / entries.length;
  const x = (at: number) => (at + 0.5) * width;
  // More strokes than there is room for would only be a block.
  const strokes = entries.length <= 2_000 ? entries.map((entry, at) => ({ entry, at })) : thinned(entries);
  const words = bands.map((it) => it.name).join(", ");
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: arrow keys step wherever the focus is
    <svg
      className={styles.strip}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${entries.length} steps${words ? `; tainted by ${plain(words)}` : ""}`}
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        step(Math.floor(((event.clientX - box.left) / box.width) * entries.length));
      }}
    >
      {bands.map((it, at) => (
        <g key={at}>
          <rect
            className={styles.band}
            x={x(it.at)}
            y="0"
            width={WIDTH - x(it.at)}
            height={HEIGHT - 12}
            opacity="0.75"
          />
          <line className={styles.edge} x1={x(it.at)} x2={x(it.at)} y1="0" y2={HEIGHT - 12} />
        </g>
      ))}
      <line className={styles.axis} x1="0" x2={WIDTH} y1={HEIGHT - 12} y2={HEIGHT - 12} />
      {strokes.map(({ entry, at }) => (
        <line
          key={entry.seq}
          className={styles.tick}
          data-verdict={entry.decision?.verdict}
          x1={x(at)}
          x2={x(at)}
          y1={HEIGHT - 13}
          y2={HEIGHT - 13 - tall(entry)}
          vectorEffect="non-scaling-stroke"
        />
      ))}
      <rect
        className={styles.now}
        x={x(place) - Math.max(2, width / 2)}
        y={HEIGHT - 9}
        width={Math.max(4, width)}
        height="5"
        rx="1"
      />
    </svg>
  );
}

function tall(entry: Entry): number {
  switch (entry.decision?.verdict) {
    case "deny":
      return 36;
    case "ask":
      return 29;
    case "contain":
      return 22;
    case "allow":
      return 13;
    default:
      return 6;
  }
}

function thinned(entries: readonly Entry[]) {
  const every = Math.ceil(entries.length / 1_000);
  return entries.flatMap((entry, at) => {
    const { verdict } = entry.decision ?? {};
    return at % every === 0 || (verdict && verdict !== "allow") ? [{ entry, at }] : [];
  });
}
