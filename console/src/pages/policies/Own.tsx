import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useState } from "react";
import { api } from "../../api/client";
import type { ReplayReport } from "../../api/types";
import { address } from "../../app/route";
import { moment } from "../../model/time";
import { Dialog } from "../../parts/Dialog";
import { Submit } from "../../parts/Intervene";
import parts from "../../parts/parts.module.css";
import { Scroll } from "../../parts/Scroll";
import { Problem } from "../../parts/States";
import { Visible } from "../../parts/Text";
import { say } from "../../parts/toast";
import pages from "../pages.module.css";
import { Editor } from "./Editor";
import styles from "./policies.module.css";

const DAYS = 30;

/** Rules of one's own: written, checked as they are written, tried on what really happened, and saved. */
export default function Own({ name, text: saved = "" }: { name: string; text?: string | undefined }) {
  const [text, setText] = useState(saved);
  const [line, setLine] = useState<{ line: number }>();
  const settled = useSettled(text, 400);
  const check = useQuery({
    queryKey: ["check", name, settled],
    queryFn: () => api.checkPolicy(name, settled),
    enabled: settled !== "",
    placeholderData: (before) => before,
  });
  const problems = useDeferredValue(settled === "" ? [] : (check.data?.diagnostics ?? []));
  const replay = useMutation({ mutationFn: () => api.replayPolicy(name, text, DAYS) });
  const [saving, save] = useState(false);
  const changed = text !== saved;
  const settling = text !== settled || check.isFetching;
  return (
    <div className={styles.own}>
      <div className={styles.tools}>
        <h2>
          <Visible text={name} />
        </h2>
        <span className={parts.note} role="status">
          {settling
            ? "checking…"
            : problems.length > 0
              ? `${problems.length} to mend`
              : text
                ? "loads, with the built-in rules"
                : "empty"}
          {changed && " · not saved"}
        </span>
        <button
          type="button"
          className={`${parts.button} ${pages.grow}`}
          onClick={() => replay.mutate()}
          disabled={replay.isPending || problems.length > 0 || text === ""}
        >
          {replay.isPending ? "Replaying…" : `Try on the last ${DAYS} days`}
        </button>
        <button
          type="button"
          className={`${parts.button} ${parts.primary}`}
          onClick={() => save(true)}
          disabled={!changed || settling || problems.length > 0}
        >
          Save…
        </button>
      </div>
      <div className={styles.editor}>
        <Editor text={saved} problems={problems} change={setText} goTo={line} label={`rules of ${name}`} />
      </div>
      <Scroll className={styles.results} label="what was found">
        <Problem error={check.error ?? replay.error} />
        {problems.length > 0 && (
          <ul>
            {problems.map((it, at) => (
              <li key={at}>
                <button type="button" className={styles.jump} onClick={() => setLine({ line: it.line })}>
                  <b>
                    {it.line}:{it.column}
                  </b>{" "}
                  <Visible text={it.message} />
                </button>
              </li>
            ))}
          </ul>
        )}
        {problems.length === 0 && text !== "" && <Try name={name} text={text} />}
        {replay.data && <Replayed report={replay.data} />}
        {problems.length === 0 && !replay.data && (
          <p className={parts.note}>
            What these rules would have changed stands here, once you try them on what agents really asked
            for.
          </p>
        )}
      </Scroll>
      {saving && <Save name={name} text={text} close={() => save(false)} />}
    </div>
  );
}

/** The value, once it has been the same for so long. */
function useSettled(value: string, milliseconds: number): string {
  const [settled, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

/** What becomes of one command, by the rules in force and by these. */
function Try({ name, text }: { name: string; text: string }) {
  const [command, setCommand] = useState("");
  const tried = useMutation({ mutationFn: () => api.tryPolicy(name, text, command) });
  return (
    <form
      className={styles.attempt}
      onSubmit={(event) => {
        event.preventDefault();
        tried.mutate();
      }}
    >
      <label>
        Test a command{" "}
        <input
          value={command}
          placeholder="git push --force origin main"
          spellCheck={false}
          required
          onChange={(event) => {
            setCommand(event.target.value);
            tried.reset();
          }}
        />
      </label>
      <button type="submit" className={parts.button} disabled={tried.isPending}>
        Test
      </button>
      {tried.data && (
        <output>
          <b className={parts[tried.data.before.verdict]}>{tried.data.before.verdict}</b> now, by{" "}
          <code>
            <Visible text={tried.data.before.code} />
          </code>
          ; with this file <b className={parts[tried.data.now.verdict]}>{tried.data.now.verdict}</b>, by{" "}
          <code>
            <Visible text={tried.data.now.code} />
          </code>
        </output>
      )}
      <Problem error={tried.error} />
    </form>
  );
}

function Replayed({ report }: { report: ReplayReport }) {
  const total = report.changed.reduce((sum, it) => sum + it.count, 0);
  return (
    <>
      <h2>
        {report.actions === 0
          ? "No action was recorded in these days: nothing to compare with"
          : `${total.toLocaleString()} of ${report.actions.toLocaleString()} actions would be decided differently`}
      </h2>
      {report.more && report.since && (
        <p className={parts.note}>
          These are the newest, since {moment(report.since)}; there are too many in these days to look at all
          of them here. `ringfence replay --log --bundle` does.
        </p>
      )}
      {report.actions > 0 && total === report.actions && (
        <p className={parts.problem}>Every single action would be decided differently: is that meant?</p>
      )}
      {report.unreadable > 0 && (
        <p className={parts.problem}>
          {report.unreadable.toLocaleString()} entries could not be read: nobody knows what would have become
          of them.
        </p>
      )}
      {total > 0 && (
        <table className={pages.table}>
          <thead>
            <tr>
              <th>Rule</th>
              <th>From</th>
              <th>To</th>
              <th className={pages.number}>Actions</th>
              <th>Such as</th>
            </tr>
          </thead>
          <tbody>
            {report.changed.map((it, at) => (
              <tr key={at}>
                <td>
                  <code>
                    <Visible text={it.rule} />
                  </code>
                </td>
                <td className={parts[it.from]}>{it.from}</td>
                <td className={parts[it.to]}>{it.to}</td>
                <td className={pages.number}>{it.count.toLocaleString()}</td>
                <td>
                  {it.examples.slice(0, 3).map((example, number) => (
                    <p key={number}>
                      <a href={address("sessions", example.session)}>
                        <code>
                          <Visible text={example.text} />
                        </code>
                      </a>
                    </p>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Save({ name, text, close }: { name: string; text: string; close: () => void }) {
  const queries = useQueryClient();
  const save = useMutation({
    mutationFn: () => api.savePolicy(name, text),
    onSuccess: () => {
      say(`${name} is in force from the next action on`);
      void queries.invalidateQueries({ queryKey: ["policies"] });
      close();
    },
  });
  return (
    <Dialog title="Put these rules in force?" close={close}>
      <form
        className={parts.inside}
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <p>
          <Visible text={name} /> decides every action of every agent here, from the next one on. The built-in
          rules stay.
        </p>
        <Problem error={save.error} />
        <Submit pending={save.isPending} close={close}>
          Save
        </Submit>
      </form>
    </Dialog>
  );
}
