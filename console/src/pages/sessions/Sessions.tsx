import { useInfiniteQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { api } from "../../api/client";
import type { Session } from "../../api/types";
import { useKeys } from "../../app/keys";
import { address, go, useRoute } from "../../app/route";
import { plain } from "../../model/text";
import { ago } from "../../model/time";
import { nameOfHold } from "../../parts/Intervene";
import parts from "../../parts/parts.module.css";
import { Empty, Failed, Loading } from "../../parts/States";
import { Visible } from "../../parts/Text";
import pages from "../pages.module.css";
import { Replay } from "./Replay";
import styles from "./sessions.module.css";

const PAGE = 100;

export default function Sessions() {
  const { id } = useRoute();
  return id === "" ? <List /> : <Replay key={id} id={id} />;
}

function List() {
  const query = useInfiniteQuery({
    queryKey: ["sessions"],
    queryFn: ({ pageParam }) => api.sessions({ limit: PAGE, before: pageParam }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => (page.sessions.length < PAGE ? undefined : page.sessions.at(-1)?.last_seq),
  });
  const sessions = query.data?.pages.flatMap((page) => page.sessions) ?? [];
  return (
    <>
      <div className={pages.bar}>
        <h1>Sessions</h1>
        <span className={parts.note}>one run of an agent each, newest activity first</span>
      </div>
      {query.isPending && <Loading what="sessions" />}
      {query.error && sessions.length === 0 && (
        <Failed error={query.error} again={() => void query.refetch()} />
      )}
      {query.data && sessions.length === 0 && (
        <Empty title="No session yet">An agent that speaks to the gate begins one.</Empty>
      )}
      {sessions.length > 0 && (
        <Rows
          sessions={sessions}
          older={() => query.hasNextPage && !query.isFetching && void query.fetchNextPage()}
        />
      )}
    </>
  );
}

const HEIGHT = 52;

function Rows({ sessions, older }: { sessions: Session[]; older: () => void }) {
  const scroll = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState(-1);
  const virtual = useVirtualizer({
    count: sessions.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => HEIGHT,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (lastShown > sessions.length - 20) older();
  }, [lastShown, sessions.length, older]);
  const move = (by: number) => {
    const to = Math.min(sessions.length - 1, Math.max(0, place + by));
    setPlace(to);
    virtual.scrollToIndex(to);
  };
  const open = () => {
    const session = sessions[place];
    if (session) go(address("sessions", session.id));
  };
  useKeys([
    { keys: "j", does: "next", run: () => move(1) },
    { keys: "k", does: "the one before", run: () => move(-1) },
    { keys: "ArrowDown", does: "next", run: () => move(1) },
    { keys: "ArrowUp", does: "the one before", run: () => move(-1) },
    { keys: "Enter", does: "open", run: open },
  ]);
  return (
    <div ref={scroll} className={pages.list}>
      <ul className={pages.virtual} style={{ height: virtual.getTotalSize() }} aria-label="sessions">
        {items.map((item) => {
          const session = sessions[item.index];
          return session ? (
            <li
              key={session.id}
              className={styles.row}
              style={{ transform: `translateY(${item.start}px)` }}
              data-chosen={item.index === place}
            >
              <Row session={session} />
            </li>
          ) : null;
        })}
      </ul>
    </div>
  );
}

function Row({ session }: { session: Session }) {
  return (
    <a className={styles.link} href={address("sessions", session.id)}>
      <span className={styles.alive} data-alive={session.alive} title={session.alive ? "running" : "over"} />
      <span className={styles.title}>
        <Visible text={session.title || session.id} />
        <small>
          <Visible text={session.agent} /> · {session.title && <Visible text={session.id} />} ·{" "}
          {ago(session.last, Date.now())}
        </small>
      </span>
      <Marks session={session} />
      <Counts session={session} />
    </a>
  );
}

/** What is to be known of a session at a glance: held, tainted, forbidden. */
export function Marks({ session }: { session: Session }) {
  return (
    <span className={parts.chips}>
      {session.held && <span className={`${parts.chip} ${parts.bad}`}>{nameOfHold(session.held.kind)}</span>}
      {session.taint.map((it, at) => (
        <span key={at} className={`${parts.chip} ${parts.warn}`} title={plain(it.why)}>
          <Visible text={it.kind} />
        </span>
      ))}
      {session.boundaries.length > 0 && (
        <span className={parts.chip} title={plain(session.boundaries.join("; "))}>
          {session.boundaries.length === 1 ? "1 boundary" : `${session.boundaries.length} boundaries`}
        </span>
      )}
    </span>
  );
}

export function Counts({ session }: { session: Session }) {
  const counts: [string, number, string | undefined][] = [
    ["calls", session.calls, undefined],
    ["contained", session.contained, parts.contain],
    ["asked", session.asked, parts.ask],
    ["denied", session.denied, parts.deny],
  ];
  return (
    <span className={styles.counts}>
      {counts.map(([name, count, look]) => (
        <span key={name} className={count > 0 ? look : styles.none}>
          {count.toLocaleString()} <small>{name}</small>
        </span>
      ))}
    </span>
  );
}
