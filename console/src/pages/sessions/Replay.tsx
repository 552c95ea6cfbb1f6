import { useMutation, useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { api } from "../../api/client";
import type { Entry, Session } from "../../api/types";
import { useKeys } from "../../app/keys";
import { address, become, go, useRoute } from "../../app/route";
import { useLive } from "../../app/store";
import { rowOf } from "../../model/entry";
import { clock, moment } from "../../model/time";
import { Intervene, Release } from "../../parts/Intervene";
import parts from "../../parts/parts.module.css";
import { Scroll } from "../../parts/Scroll";
import { Empty, Failed, Loading } from "../../parts/States";
import { Visible } from "../../parts/Text";
import { Verdict } from "../../parts/Verdict";
import { WholeEntry } from "../../parts/WholeEntry";
import pages from "../pages.module.css";
import { Counts, Marks } from "./Sessions";
import { Strip } from "./Strip";
import styles from "./sessions.module.css";

/** As many entries are answered at once. */
const MOST = 1_000;

/** One session, step by step: what it asked for, and what came of it. */
export function Replay({ id }: { id: string }) {
  const query = useQuery({ queryKey: ["session", id], queryFn: () => api.session(id) });
  const tail = useLive((live) => live.tail);
  const [earlier, setEarlier] = useState<readonly Entry[]>([]);
  const entries = useMemo(() => {
    const known = earlier.concat(query.data?.events ?? []);
    const last = known.at(-1)?.seq ?? 0;
    const fresh = query.data ? tail.filter((it) => it.seq > last && it.session === id) : [];
    return fresh.length > 0 ? known.concat(fresh) : known;
  }, [query.data, tail, id, earlier]);
  const first = entries[0]?.seq;
  const more = useMutation({
    mutationFn: () => api.events({ session: id, before: first ?? 1, limit: MOST }),
    onSuccess: ({ events }) => setEarlier((before) => events.concat(before)),
  });
  // A session is answered with its newest entries; those before are asked for.
  const whole = entries.length < MOST || entries[0]?.kind === "session" || more.data?.events.length === 0;
  if (query.isPending) return <Loading what="the session" />;
  if (query.error && !query.data) return <Failed error={query.error} again={() => void query.refetch()} />;
  return query.data ? (
    <Timeline session={query.data.session} entries={entries} earlier={whole ? undefined : more.mutate} />
  ) : null;
}

interface TimelineProps {
  session: Session;
  entries: readonly Entry[];
  /** Asks for what was before, where there is more. */
  earlier: (() => void) | undefined;
}

function Timeline({ session, entries, earlier }: TimelineProps) {
  const { params } = useRoute();
  const asked = Number(params.get("at"));
  const place = Math.max(
    0,
    entries.findIndex((it) => it.seq === asked),
  );
  const entry = entries[place];
  const [asking, ask] = useState<"intervene" | "release">();
  const step = (to: number) => {
    const wanted = entries[Math.min(entries.length - 1, Math.max(0, to))];
    if (wanted) become(address("sessions", session.id, { at: String(wanted.seq) }));
  };
  const telling = (by: 1 | -1) => {
    for (let at = place + by; at >= 0 && at < entries.length; at += by) {
      const verdict = entries[at]?.decision?.verdict;
      if (verdict && verdict !== "allow") return step(at);
    }
  };
  useKeys([
    { keys: "ArrowRight", does: "next step", run: () => step(place + 1) },
    { keys: "ArrowLeft", does: "the step before", run: () => step(place - 1) },
    { keys: "j", does: "next step", run: () => step(place + 1) },
    { keys: "k", does: "the step before", run: () => step(place - 1) },
    { keys: "ArrowDown", does: "next step", run: () => step(place + 1) },
    { keys: "ArrowUp", does: "the step before", run: () => step(place - 1) },
    { keys: "n", does: "next step that was not simply allowed", run: () => telling(1) },
    { keys: "N", does: "the one before", run: () => telling(-1) },
    { keys: "p", does: "step in", run: () => ask("intervene") },
    { keys: "Escape", does: "back to all sessions", run: () => go(address("sessions")) },
  ]);
  return (
    <>
      <div className={styles.top}>
        <div className={styles.line}>
          <a href={address("sessions")}>Sessions</a>
          <h1>
            <Visible text={session.title || session.id} />
          </h1>
          <Marks session={session} />
          <span className={pages.grow} />
          {session.held ? (
            <button type="button" className={parts.button} onClick={() => ask("release")}>
              Release…
            </button>
          ) : (
            <button
              type="button"
              className={`${parts.button} ${parts.danger}`}
              onClick={() => ask("intervene")}
            >
              Step in… <kbd className={parts.key}>p</kbd>
            </button>
          )}
        </div>
        <div className={styles.line}>
          <span className={parts.note}>
            <Visible text={session.agent} /> · <Visible text={session.id} /> · began {moment(session.started)}{" "}
            · {session.alive ? "running" : "over"}
          </span>
          <span className={pages.grow} />
          <Counts session={session} />
        </div>
        {session.boundaries.length > 0 && (
          <p className={parts.note}>
            the user said not to: <Visible text={session.boundaries.join("; ")} />
          </p>
        )}
        {entries.length > 1 && <Strip entries={entries} taint={session.taint} place={place} step={step} />}
      </div>
      {entry ? (
        <div className={pages.split} data-open="list">
          <Steps entries={entries} place={place} step={step} />
          <section className={pages.detail} aria-label="this step" aria-live="polite">
            <p className={parts.note}>
              step {place + 1} of {entries.length}{" "}
              {earlier && (
                <button type="button" className={parts.button} onClick={() => earlier()}>
                  Earlier ones…
                </button>
              )}
            </p>
            <WholeEntry entry={entry} />
          </section>
        </div>
      ) : (
        <Empty title="Nothing yet">The session has begun, and has not asked for anything.</Empty>
      )}
      {asking === "intervene" && <Intervene session={session.id} close={() => ask(undefined)} />}
      {asking === "release" && session.held && <Release hold={session.held} close={() => ask(undefined)} />}
    </>
  );
}

interface StepsProps {
  entries: readonly Entry[];
  place: number;
  step: (to: number) => void;
}

function Steps({ entries, place, step }: StepsProps) {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => 30,
    overscan: 10,
  });
  useEffect(() => virtual.scrollToIndex(place), [place, virtual]);
  return (
    <Scroll ref={scroll} className={pages.list} label="steps">
      <ol className={pages.virtual} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const entry = entries[item.index];
          return entry ? (
            <li key={entry.seq} className={pages.at} style={{ transform: `translateY(${item.start}px)` }}>
              <Step entry={entry} chosen={item.index === place} choose={() => step(item.index)} />
            </li>
          ) : null;
        })}
      </ol>
    </Scroll>
  );
}

const Step = memo(function Step({
  entry,
  chosen,
  choose,
}: {
  entry: Entry;
  chosen: boolean;
  choose: () => void;
}) {
  const row = rowOf(entry);
  return (
    <button
      type="button"
      className={styles.step}
      aria-current={chosen ? "step" : undefined}
      onClick={choose}
      tabIndex={-1}
    >
      <span className={pages.time}>{clock(entry.at)}</span>
      <span>
        {row.verdict ? <Verdict of={row.verdict} /> : <span className={styles.said}>{entry.kind}</span>}
      </span>
      <span className={row.verdict ? pages.words : styles.said}>
        <Visible text={row.text} />
      </span>
    </button>
  );
});
