import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../../api/client";
import type { Answered, Approval, Approvals as Queue } from "../../api/types";
import { useKeys } from "../../app/keys";
import { address, become, useRoute } from "../../app/route";
import { summaryOf } from "../../model/entry";
import { left } from "../../model/time";
import { Intervene } from "../../parts/Intervene";
import parts from "../../parts/parts.module.css";
import { Scroll } from "../../parts/Scroll";
import { Empty, Failed, Loading } from "../../parts/States";
import { Visible } from "../../parts/Text";
import pages from "../pages.module.css";
import { Answer, type Choice } from "./Answer";
import styles from "./approvals.module.css";
import { Case } from "./Case";
import { Reveal } from "./Reveal";

export default function Approvals() {
  const queue = useQuery({ queryKey: ["approvals"], queryFn: api.approvals, refetchInterval: 10_000 });
  const { id } = useRoute();
  const now = useNow();
  const [choice, choose] = useState<Choice>();
  const [revealed, reveal] = useState<Answered>();
  const [holding, hold] = useState<string>();
  const waiting = (queue.data?.approvals ?? []).filter((it) => left(it.expires, now) !== undefined);
  const place = Math.max(
    0,
    waiting.findIndex((it) => it.code === id),
  );
  const open = waiting[place];
  const move = (by: number) => {
    const to = waiting[Math.min(waiting.length - 1, Math.max(0, place + by))];
    if (to) become(address("approvals", to.code));
  };
  const ask = (answer: Choice["answer"]) => open && choose({ answer, approval: open });
  useKeys([
    { keys: "j", does: "next", run: () => move(1) },
    { keys: "k", does: "the one before", run: () => move(-1) },
    { keys: "ArrowDown", does: "next", run: () => move(1) },
    { keys: "ArrowUp", does: "the one before", run: () => move(-1) },
    { keys: "a", does: "approve", run: () => ask("approve") },
    { keys: "d", does: "deny", run: () => ask("deny") },
    { keys: "p", does: "pause the session", run: () => open && hold(open.session) },
  ]);
  return (
    <>
      <div className={pages.bar}>
        <h1>Approvals</h1>
        {queue.data && <Budget queue={queue.data} />}
      </div>
      {queue.isPending && <Loading what="approvals" />}
      {queue.error && !queue.data && <Failed error={queue.error} again={() => void queue.refetch()} />}
      {queue.data && !open && queue.data.pending > 0 && (
        <Empty title="Your hour is spent">
          You have answered as many as a person answers with care. What still waits is for others, or is
          refused already: by the stricter default, the agents go on without it.
        </Empty>
      )}
      {queue.data && !open && queue.data.pending === 0 && (
        <Empty title="Nobody waits for you">
          What a rule will not decide without a person stands here, the riskiest first. Most of what agents do
          never does.
        </Empty>
      )}
      {open && (
        <div className={pages.split} data-open="list">
          <ul className={pages.list} aria-label="what waits, riskiest first">
            {waiting.map((it) => (
              <li key={it.code}>
                <Item approval={it} chosen={it === open} now={now} />
              </li>
            ))}
          </ul>
          <div className={styles.pane}>
            <Scroll className={styles.about} label="the chosen case">
              <Case approval={open} now={now} />
            </Scroll>
            <div className={styles.answers}>
              <button type="button" className={`${parts.button} ${parts.danger}`} onClick={() => ask("deny")}>
                Deny… <kbd className={parts.key}>d</kbd>
              </button>
              <button
                type="button"
                className={`${parts.button} ${parts.primary}`}
                onClick={() => ask("approve")}
              >
                Approve… <kbd className={parts.key}>a</kbd>
              </button>
              <button
                type="button"
                className={`${parts.button} ${pages.grow}`}
                onClick={() => hold(open.session)}
              >
                Step in… <kbd className={parts.key}>p</kbd>
              </button>
            </div>
          </div>
        </div>
      )}
      {choice && <Answer choice={choice} close={() => choose(undefined)} answered={reveal} />}
      {revealed && (revealed.probe || revealed.proposed_rule) && (
        <Reveal answered={revealed} close={() => reveal(undefined)} />
      )}
      {holding !== undefined && <Intervene session={holding} close={() => hold(undefined)} />}
    </>
  );
}

/** The time, every few seconds. */
function useNow(): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), 5_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function Budget({ queue: { budget, pending, approvals, over_budget, by_default } }: { queue: Queue }) {
  return (
    <span className={`${parts.note} ${pages.grow}`}>
      {pending > 0 &&
        `${pending} waiting, ${over_budget > 0 ? `${approvals.length} for you` : "all for you"} · `}
      {budget.left} of {budget.per_hour} left {budget.person ? "to you" : "to each"} this hour
      {by_default > 0 && ` · ${by_default} refused, since nobody could look`}
    </span>
  );
}

function Item({ approval, chosen, now }: { approval: Approval; chosen: boolean; now: number }) {
  const { code, tool, risk, rule, sessions, needs, approved_by } = approval;
  return (
    <a
      className={styles.item}
      href={address("approvals", code)}
      aria-current={chosen ? "true" : undefined}
      onClick={(event) => {
        event.preventDefault();
        become(address("approvals", code));
      }}
    >
      <Risk of={risk} />
      <span className={styles.words}>
        <Visible text={summaryOf({ tool, input: approval.input })} />
      </span>
      <span className={styles.under}>
        <Visible text={rule} />
        {sessions.length > 1 && ` · ${sessions.length} sessions`}
        {needs > 1 && ` · ${approved_by.length} of ${needs}`}
        {` · ${left(approval.expires, now) ?? "over"} left`}
      </span>
    </a>
  );
}

export function Risk({ of }: { of: number }) {
  const level = of >= 70 ? "deny" : of >= 35 ? "ask" : "contain";
  return (
    <span className={`${parts.badge} ${parts[level]} ${styles.risk}`} title="risk, of 100">
      <span className="only-read">risk </span>
      {Math.round(of)}
    </span>
  );
}
