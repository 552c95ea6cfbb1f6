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

export interface Choice {
  answer: "approve" | "deny";
  approval: Approval;
}

type Scope = "once" | "session" | "never";

const SCOPES: Record<Choice["answer"], { scope: Scope; name: string; means: string }[]> = {
  approve: [
    { scope: "once", name: "Once", means: "this call, as it is, to the letter" },
    {
      scope: "session",
      name: "For this session",
      means: "and the same again; a narrower rule is proposed to you",
    },
  ],
  deny: [
    { scope: "once", name: "Once", means: "this call; the agent is told what it could do instead" },
    { scope: "never", name: "Never", means: "and whenever it is asked for again; a rule is proposed to you" },
  ],
};

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
    mutationFn: () => api.answer(approval.code, answer, scope),
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
            <small>{it.means}</small>
          </label>
        ))}
        <Problem error={send.error} />
        <Submit pending={send.isPending} close={close} danger={answer === "deny"}>
          {answer === "approve" ? "Approve" : "Deny"}
        </Submit>
      </form>
    </Dialog>
  );
}
