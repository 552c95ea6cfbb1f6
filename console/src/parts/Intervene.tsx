import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import type { Hold, HoldKind } from "../api/types";
import { useMe } from "../app/me";
import { Dialog } from "./Dialog";
import styles from "./parts.module.css";
import { Problem } from "./States";
import { Visible } from "./Text";
import { say } from "./toast";

const KINDS: { kind: HoldKind; name: string; means: string }[] = [
  {
    kind: "pause",
    name: "Pause",
    means: "every call is refused until you release; the agent is told why",
  },
  { kind: "ask_all", name: "Ask about everything", means: "every call becomes a question to you" },
  {
    kind: "deny_all",
    name: "Only look",
    means: "what would change something is refused; looking stays possible",
  },
  { kind: "kill", name: "Kill", means: "its processes are ended now; this cannot be taken back" },
];

export const nameOfHold = (kind: string): string => KINDS.find((it) => it.kind === kind)?.name ?? kind;

/** Steps in: for one session, or for all. */
export function Intervene({
  session,
  first = "pause",
  close,
}: {
  session: string | null;
  first?: HoldKind;
  close: () => void;
}) {
  const [kind, setKind] = useState<HoldKind>(first);
  const [reason, setReason] = useState("");
  const queries = useQueryClient();
  const hold = useMutation({
    mutationFn: () => api.hold(kind, session, reason.trim() || "a person stepped in"),
    onSuccess: () => {
      say(`${nameOfHold(kind)}: in force from the next action on`);
      void queries.invalidateQueries();
      close();
    },
  });
  return (
    <Dialog title={session === null ? "Step in: all sessions" : "Step in: this session"} close={close}>
      <form
        className={styles.inside}
        onSubmit={(event) => {
          event.preventDefault();
          hold.mutate();
        }}
      >
        {session !== null && (
          <p className={styles.note}>
            <Visible text={session} />
          </p>
        )}
        {KINDS.map((it) => (
          <label key={it.kind} className={styles.option}>
            <input type="radio" name="hold" checked={kind === it.kind} onChange={() => setKind(it.kind)} />
            <span>{it.name}</span>
            <small>{it.means}</small>
          </label>
        ))}
        <label className={styles.field}>
          Why (the agent is told)
          <input value={reason} maxLength={200} onChange={(event) => setReason(event.target.value)} />
        </label>
        <Problem error={hold.error} />
        <Submit pending={hold.isPending} close={close} danger={kind === "kill"}>
          {nameOfHold(kind)}
          {session === null ? " all" : ""}
        </Submit>
      </form>
    </Dialog>
  );
}

/** Lets go again. */
export function Release({ hold, close }: { hold: Hold; close: () => void }) {
  const queries = useQueryClient();
  const release = useMutation({
    mutationFn: () => api.release(hold.id),
    onSuccess: () => {
      say("released");
      void queries.invalidateQueries();
      close();
    },
  });
  return (
    <Dialog title={`Release: ${nameOfHold(hold.kind)}`} close={close}>
      <form
        className={styles.inside}
        onSubmit={(event) => {
          event.preventDefault();
          release.mutate();
        }}
      >
        <p>
          <Visible text={hold.reason} />{" "}
          <span className={styles.note}>(by {<Visible text={hold.by} />})</span>
        </p>
        <p>{hold.session === null ? "All sessions go on" : "The session goes on"} under the rules alone.</p>
        <Problem error={release.error} />
        <Submit pending={release.isPending} close={close}>
          Release
        </Submit>
      </form>
    </Dialog>
  );
}

interface SubmitProps {
  pending: boolean;
  danger?: boolean;
  close: () => void;
  children: React.ReactNode;
}

/** The end of a dialog that changes something: whether this person may, and the passkey that it takes. */
export function Submit({ pending, danger = false, close, children }: SubmitProps) {
  const { hindrance } = useMe();
  return (
    <>
      {hindrance ? (
        <p className={styles.problem}>{hindrance}</p>
      ) : (
        <p className={styles.note}>{pending ? "waiting for your passkey…" : "your passkey is asked for"}</p>
      )}
      <div className={styles.choices}>
        <button type="button" className={styles.button} onClick={close}>
          Cancel
        </button>
        <button
          type="submit"
          className={`${styles.button} ${danger ? styles.danger : styles.primary}`}
          disabled={pending || hindrance !== undefined}
        >
          {children}
        </button>
      </div>
    </>
  );
}
