import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, memo, useEffect, useRef, useState } from "react";
import type { Entry } from "../../api/types";
import { useKeys } from "../../app/keys";
import { rowOf } from "../../model/entry";
import { clock } from "../../model/time";
import { useMedia } from "../../parts/media";
import { Visible } from "../../parts/Text";
import { Verdict } from "../../parts/Verdict";
import styles from "../pages.module.css";

/** Of a row: what `--row` says. */
const useHeight = () => (useMedia("(max-width: 640px)") ? 48 : 27);

interface Props {
  /** Newest first. */
  entries: readonly Entry[];
  selected: number | undefined;
  select: (seq: number | undefined) => void;
  /** Called when the end comes into sight. */
  older: () => void;
  label: string;
}

/** A long list, of which only what is in sight is there. */
export function EntryRows({ entries, selected, select, older, label }: Props) {
  const scroll = useRef<HTMLDivElement>(null);
  const height = useHeight();
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: (index) => entries[index]?.seq ?? index,
  });
  useEffect(() => {
    if (height > 0) virtual.measure();
  }, [height, virtual]);
  const { above, toTop } = useHeldPlace(scroll, entries, height);
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (entries.length > 0 && lastShown > entries.length - 40) older();
  }, [lastShown, entries.length, older]);
  const place = entries.findIndex((entry) => entry.seq === selected);
  const move = (by: number) => {
    const to = place < 0 ? 0 : Math.min(entries.length - 1, Math.max(0, place + by));
    const entry = entries[to];
    if (!entry) return;
    select(entry.seq);
    virtual.scrollToIndex(to);
  };
  // What is not in sight is not in the page.
  const isShown = items.some((item) => item.index === place);
  useKeys([
    { keys: "j", does: "next", run: () => move(1) },
    { keys: "k", does: "the one before", run: () => move(-1) },
    { keys: "ArrowDown", does: "next", run: () => move(1) },
    { keys: "ArrowUp", does: "the one before", run: () => move(-1) },
    { keys: "Enter", does: "open", run: () => move(0) },
    { keys: "Escape", does: "close what is open", run: () => select(undefined) },
    { keys: ".", does: "to the newest", run: toTop },
  ]);
  return (
    <div
      ref={scroll}
      className={styles.list}
      role="listbox"
      aria-label={label}
      tabIndex={0}
      aria-activedescendant={isShown ? `entry-${selected}` : undefined}
    >
      {above > 0 && (
        <div className={styles.more} role="presentation">
          <button type="button" onClick={toTop} tabIndex={-1}>
            {above} new ↑
          </button>
        </div>
      )}
      <div className={styles.virtual} style={{ height: virtual.getTotalSize() }} role="presentation">
        {items.map((item) => {
          const entry = entries[item.index];
          return entry ? (
            <Row
              key={item.key}
              entry={entry}
              selected={entry.seq === selected}
              select={select}
              top={item.start}
              place={item.index + 1}
              of={entries.length}
            />
          ) : null;
        })}
      </div>
    </div>
  );
}

/** Who has scrolled away from the newest keeps their place while more comes in above. */
function useHeldPlace(
  scroll: React.RefObject<HTMLDivElement | null>,
  entries: readonly Entry[],
  height: number,
) {
  const [seen, setSeen] = useState<number>();
  const before = useRef<{ first: number | undefined }>({ first: undefined });
  const first = entries[0]?.seq;
  useEffect(() => {
    const element = scroll.current;
    const last = before.current.first;
    before.current.first = first;
    if (!element || last === undefined || first === undefined || first <= last) return;
    if (element.scrollTop <= height) return;
    const added = entries.findIndex((entry) => entry.seq === last);
    if (added <= 0) return;
    element.scrollTop += added * height;
    setSeen((it) => it ?? last);
  }, [first, entries, scroll, height]);
  useEffect(() => {
    const element = scroll.current;
    const scrolled = () => {
      if (element && element.scrollTop <= height) setSeen(undefined);
    };
    element?.addEventListener("scroll", scrolled, { passive: true });
    return () => element?.removeEventListener("scroll", scrolled);
  }, [scroll, height]);
  const above = seen === undefined ? 0 : entries.findIndex((entry) => entry.seq <= seen);
  const toTop = () => {
    setSeen(undefined);
    scroll.current?.scrollTo({ top: 0 });
  };
  return { above: Math.max(0, above), toTop };
}

interface RowProps {
  entry: Entry;
  selected: boolean;
  select: (seq: number) => void;
  top: number;
  place: number;
  of: number;
}

const Row = memo(function Row({ entry, selected, select, top, place, of }: RowProps) {
  const row = rowOf(entry);
  const style: CSSProperties = { transform: `translateY(${top}px)` };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the focus, and moves by keys
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and names the chosen row
    <div
      id={`entry-${entry.seq}`}
      className={`${styles.row} ${row.verdict === undefined ? styles.quiet : ""}`}
      style={style}
      role="option"
      aria-selected={selected}
      aria-posinset={place}
      aria-setsize={of}
      data-verdict={row.verdict}
      data-seq={entry.seq}
      onClick={() => select(entry.seq)}
    >
      <span className={styles.time}>{clock(entry.at)}</span>
      <span>
        {row.verdict ? <Verdict of={row.verdict} /> : <span className={styles.side}>{entry.kind}</span>}
      </span>
      <span className={`${styles.side} ${styles.session}`}>
        <Visible text={entry.session ?? entry.agent ?? ""} />
      </span>
      <span className={styles.side}>
        <Visible text={row.verdict ? row.tool : (entry.agent ?? "")} />
      </span>
      <span className={row.verdict ? styles.words : styles.side}>
        <Visible text={row.text} />
      </span>
      <span className={`${styles.side} ${styles.rule}`}>
        <Visible text={row.rule} />
      </span>
    </div>
  );
});
