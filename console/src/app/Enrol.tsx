import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { enrol } from "../api/passkey";
import { Dialog } from "../parts/Dialog";
import styles from "../parts/parts.module.css";
import { Problem } from "../parts/States";
import { say } from "../parts/toast";

/** The first passkey: with the code that the daemon shows in its own terminal, where no agent sees it. */
export function Enrol({ close }: { close: () => void }) {
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: async () => {
      const begun = await api.enrolBegin(code.trim(), name.trim());
      const options = "options" in begun ? begun.options : begun;
      await api.enrolFinish(await enrol(options));
    },
    onSuccess: () => {
      say("the passkey is enrolled");
      void queries.invalidateQueries({ queryKey: ["me"] });
      close();
    },
  });
  return (
    <Dialog title="Enrol a passkey" close={close}>
      <form
        className={styles.inside}
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <p>
          Whatever changes something asks for a passkey, which an agent does not have. Take the code that{" "}
          <code>ringfence serve</code> shows in its own terminal.
        </p>
        <label className={styles.field}>
          Code
          <input
            value={code}
            autoComplete="off"
            spellCheck={false}
            required
            onChange={(it) => setCode(it.target.value)}
          />
        </label>
        <label className={styles.field}>
          Your name, as colleagues will see it
          <input value={name} maxLength={64} required onChange={(it) => setName(it.target.value)} />
        </label>
        <Problem error={make.error} />
        <div className={styles.choices}>
          <button type="button" className={styles.button} onClick={close}>
            Cancel
          </button>
          <button type="submit" className={`${styles.button} ${styles.primary}`} disabled={make.isPending}>
            Enrol
          </button>
        </div>
      </form>
    </Dialog>
  );
}
