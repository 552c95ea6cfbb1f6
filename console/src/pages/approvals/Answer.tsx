import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import type { Answered, Approval } from "../../api/types";
import { Dialog } from "../../parts/Dialog";
import { Asked } from "../../parts/EntryView";
import { Submit } from "../../parts/Intervene";
import parts from "../../parts/parts.module.css";
import { Problem } from "../../parts/States";
import { Visible } from "../../parts/Text";
import { say } from "../../parts/toast";
import styles from "./approvals.module.css";

export interface Choice {
  answer: "approve" | "deny";
  approval: Approval;
}

type Scope = "once" | "session" | "never";

const SCOPES: Record<Choice["answer"], { scope: Scope; name: string; means: string }[]> = {
  approve: [
    { scope: "once", name: "Once", means: "this call, as it is, to the letter" },
    { scope: "session", name: "For this session", means: "" },
  ],
  deny: [
    { scope: "once", name: "Once", means: "this call; the agent is told what it could do instead" },
    { scope: "never", name: "Never", means: "and whenever it is asked for again; a rule is proposed to you" },
  ],
};

const forSession = ({ for_session }: Approval): string =>
  for_session.length > 0
    ? "by a rule that is narrower than the one that asked; you see it below"
    : "this very call, to the letter, as often as it comes";

/** What a yes for the session covers: the whole of it, before it is said. */
function SessionRule({ lines: [where = "", ...effects] }: { lines: string[] }) {
  return (
    <section className={styles.rule} aria-label="the rule for this session">
      <p>
        Until this session ends, for eight hours at most, <Visible text={where} />, whatever the words:
      </p>
      <ul>
        {effects.map((it) => (
          <li key={it}>
            <Visible text={it} />
          </li>
        ))}
      </ul>
      <p className={parts.note}>
        Nothing else, in no other session, and not once the session has seen something untrusted or private
        that it has not seen by now, or once the rules change.
      </p>
    </section>
  );
}

/** The last look before an answer: what is answered, and for how long. */
export function Answer({
  choice,
  close,
  answered,
}: {
  choice: Choice;
  close: () => void;
  answered: (it: Answered) => void;
}) {
  const { answer, approval } = choice;
  const [scope, setScope] = useState<Scope>("once");
  const queries = useQueryClient();
  const send = useMutation({
    mutationFn: () => api.answer(approval.code, answer, scope, approval.shown),
    onSuccess: (it) => {
      say(answer === "approve" ? (it.done ? "approved" : "approved; somebody else has to, too") : "denied");
      answered(it);
      void queries.invalidateQueries({ queryKey: ["approvals"] });
      close();
    },
    onError: () => void queries.invalidateQueries({ queryKey: ["approvals"] }),
  });
  return (
    <Dialog title={answer === "approve" ? "Let it through?" : "Refuse it?"} close={close}>
      <form
        className={parts.inside}
        onSubmit={(event) => {
          event.preventDefault();
          send.mutate();
        }}
      >
        <Asked tool={approval.tool} input={approval.input} cwd={approval.cwd} evidence={approval.evidence} />
        {approval.effects.length > 0 && (
          <p>
            <Visible text={approval.effects.join("; ")} />
          </p>
        )}
        {SCOPES[answer].map((it) => (
          <label key={it.scope} className={parts.option}>
            <input
              type="radio"
              name="scope"
              checked={scope === it.scope}
              onChange={() => setScope(it.scope)}
            />
            <span>{it.name}</span>
            <small>{it.scope === "session" ? forSession(approval) : it.means}</small>
          </label>
        ))}
        {scope === "session" && approval.for_session.length > 0 && (
          <SessionRule lines={approval.for_session} />
        )}
        <Problem error={send.error} />
        <Submit pending={send.isPending} close={close} danger={answer === "deny"}>
          {answer === "approve" ? "Approve" : "Deny"}
        </Submit>
      </form>
    </Dialog>
  );
}
