import type { ReactNode } from "react";
import type { Approval } from "../../api/types";
import { address } from "../../app/route";
import { left } from "../../model/time";
import { Asked } from "../../parts/EntryView";
import parts from "../../parts/parts.module.css";
import { Visible } from "../../parts/Text";
import { Risk } from "./Approvals";
import styles from "./approvals.module.css";

/** All that a person needs to answer: first what would happen, then what is asked for, then what led to it. */
export function Case({ approval, now }: { approval: Approval; now: number }) {
  const { effects, evidence, seen, sessions, approved_by, needs } = approval;
  return (
    <div className={styles.case}>
      <header>
        <h2>
          <Visible text={approval.why} />
        </h2>
        <p className={parts.note}>
          <Risk of={approval.risk} /> <Visible text={approval.rule} /> · <Visible text={approval.agent} /> ·{" "}
          <a href={address("sessions", approval.session)}>
            <Visible text={approval.session} />
          </a>{" "}
          · {approval.denied ? "refused, unless you let it through" : "waits for you"} ·{" "}
          {left(approval.expires, now) ?? "no time"} left
        </p>
      </header>
      <Part title="What would happen">
        <List items={effects} none="nothing that could be told" />
      </Part>
      <Asked tool={approval.tool} input={approval.input} cwd={approval.cwd} evidence={evidence} />
      <div className={styles.pair}>
        <Part title="If it goes wrong">
          <p>
            <Visible text={approval.blast || "not known"} />
          </p>
        </Part>
        <Part title="What a no costs">
          <p>
            <Visible text={approval.cost_of_no || "not known"} />
          </p>
        </Part>
      </div>
      {seen.length > 0 && (
        <Part title="What this session has seen">
          <List items={seen} none="" />
        </Part>
      )}
      {approval.instead && (
        <Part title="What the agent could do instead">
          <p>
            <Visible text={approval.instead} />
          </p>
        </Part>
      )}
      {sessions.length > 1 && (
        <Part title={`${sessions.length} sessions wait for the same answer`}>
          <List items={sessions} none="" />
        </Part>
      )}
      {needs > 1 && (
        <Part title={`It takes ${needs} people`}>
          <List items={approved_by.map((it) => `${it} has approved`)} none="nobody has answered yet" />
        </Part>
      )}
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function List({ items, none }: { items: string[]; none: string }) {
  if (items.length === 0) return <p className={parts.note}>{none}</p>;
  return (
    <ul className={styles.words2}>
      {items.map((it, at) => (
        <li key={at}>
          <Visible text={it} />
        </li>
      ))}
    </ul>
  );
}
