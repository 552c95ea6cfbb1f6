import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import { api } from "../../api/client";
import { useKeys } from "../../app/keys";
import { address, become, useRoute } from "../../app/route";
import { useLive } from "../../app/store";
import { type Filter, matters, NO_FILTER, VERDICTS } from "../../model/entry";
import { Intervene } from "../../parts/Intervene";
import parts from "../../parts/parts.module.css";
import { Empty, Failed, Loading } from "../../parts/States";
import { Visible } from "../../parts/Text";
import { WholeEntry } from "../../parts/WholeEntry";
import styles from "../pages.module.css";
import { EntryRows } from "./EntryRows";
import { useEvents } from "./useEvents";

const KINDS = ["decision", "prompt", "result", "finding", "approval", "hold", "session"];

export default function Live() {
  const { id, params } = useRoute();
  const [typed, setTyped] = useState(params.get("q") ?? "");
  const q = useDeferredValue(typed);
  const session = params.get("session") ?? "";
  const rule = params.get("rule") ?? "";
  const verdict = VERDICTS.find((it) => it === params.get("verdict")) ?? "";
  const kind = params.get("kind") ?? "";
  const filter = useMemo<Filter>(
    () => ({ ...NO_FILTER, q, session, rule, verdict, kind: kind === "all" ? "" : kind }),
    [q, session, rule, verdict, kind],
  );
  const { events: all, isPending, error, again, older } = useEvents(filter);
  const events = useMemo(() => (kind === "" ? all.filter(matters) : all), [all, kind]);
  const selected = id === "" ? undefined : Number(id);
  // Who comes by a link may want one that is far down.
  const shown = events.find((it) => it.seq === selected);
  const far = useQuery({
    queryKey: ["entry", selected],
    queryFn: () => api.events({ after: (selected ?? 0) - 1, before: (selected ?? 0) + 1, limit: 1 }),
    enabled: selected !== undefined && !shown && !isPending,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const entry = shown ?? (selected === undefined ? undefined : far.data?.events[0]);
  const search = useRef<HTMLInputElement>(null);
  const [holding, hold] = useState<string>();
  const to = (change: Record<string, string>, seq = id) =>
    become(address("live", seq, { session, rule, verdict, kind, q: typed, ...change }));
  useKeys([
    { keys: "/", does: "search", run: () => search.current?.focus() },
    {
      keys: "p",
      does: "pause the session of what is chosen",
      run: () => entry?.session && hold(entry.session),
    },
  ]);
  const filtered = Object.values(filter).some(Boolean);
  return (
    <>
      <div className={styles.bar}>
        <h1>Live</h1>
        <input
          ref={search}
          type="search"
          aria-label="search"
          placeholder="Search  /"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            to({ q: event.target.value });
          }}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
        />
        <select
          aria-label="verdict"
          value={verdict}
          onChange={(event) => to({ verdict: event.target.value })}
        >
          <option value="">every verdict</option>
          {VERDICTS.map((it) => (
            <option key={it}>{it}</option>
          ))}
        </select>
        <select aria-label="kind" value={kind} onChange={(event) => to({ kind: event.target.value })}>
          <option value="">what matters</option>
          <option value="all">everything</option>
          {KINDS.map((it) => (
            <option key={it}>{it}</option>
          ))}
        </select>
        {session && <Chosen name="session" value={session} clear={() => to({ session: "" })} />}
        {rule && <Chosen name="rule" value={rule} clear={() => to({ rule: "" })} />}
        <Arrived />
      </div>
      <div className={styles.split} data-open={entry !== undefined}>
        {isPending && <Loading what="entries" />}
        {error && <Failed error={error} again={again} />}
        {!isPending && !error && events.length === 0 && (
          <Empty title={filtered ? "Nothing fits" : "Nothing has happened yet"}>
            {filtered
              ? "No entry of the log fits all of these."
              : "As soon as an agent asks for something, it stands here. `ringfence init` registers the gate with the agents found here."}
          </Empty>
        )}
        {events.length > 0 && (
          <EntryRows
            entries={events}
            selected={selected}
            select={(seq) => to({}, seq === undefined ? "" : String(seq))}
            older={older}
            label="entries, newest first"
          />
        )}
        {entry && (
          <section className={styles.detail} aria-label="the chosen entry">
            <div className={styles.head}>
              {entry.session && (
                <a href={address("sessions", entry.session)}>
                  <Visible text={entry.session} />
                </a>
              )}
              <span className={parts.note}>
                <Visible text={entry.agent ?? ""} />
              </span>
              <button
                type="button"
                className={`${parts.button} ${styles.grow}`}
                onClick={() => entry.session && hold(entry.session)}
                disabled={!entry.session}
              >
                Step in… <kbd className={parts.key}>p</kbd>
              </button>
              <button
                type="button"
                className={parts.button}
                aria-label="close"
                title="Close (Escape)"
                onClick={() => to({}, "")}
              >
                ✕
              </button>
            </div>
            <WholeEntry entry={entry} />
          </section>
        )}
      </div>
      {holding !== undefined && <Intervene session={holding} close={() => hold(undefined)} />}
    </>
  );
}

function Chosen({ name, value, clear }: { name: string; value: string; clear: () => void }) {
  return (
    <button type="button" className={parts.chip} onClick={clear} title={`every ${name}`}>
      {name} <Visible text={value} /> ✕
    </button>
  );
}

function Arrived() {
  const arrived = useLive((live) => live.arrived);
  return (
    <span className={`${parts.note} ${styles.grow}`}>{arrived.toLocaleString()} since you opened this</span>
  );
}
