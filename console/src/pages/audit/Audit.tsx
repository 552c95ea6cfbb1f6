import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api } from "../../api/client";
import type { Entry } from "../../api/types";
import { useKeys } from "../../app/keys";
import { address, become, useRoute } from "../../app/route";
import { checkLines } from "../../audit/lines";
import { checkEntry, checkLog, type Memory, type Step } from "../../audit/verify";
import { moment } from "../../model/time";
import { EntryView } from "../../parts/EntryView";
import parts from "../../parts/parts.module.css";
import { Scroll } from "../../parts/Scroll";
import { Empty, Failed, Problem } from "../../parts/States";
import { Visible } from "../../parts/Text";
import pages from "../pages.module.css";
import styles from "./audit.module.css";

const REMEMBERED = "ringfence.checkpoint";

function remembered(): Memory | undefined {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

function remember(memory: Memory): void {
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify(memory));
  } catch {
    // A browser that keeps nothing starts anew each time, and says so.
  }
}

/** So many entries are read at once, the newest; all of them when somebody asks for it. */
const NEWEST = 2_000;

async function verify() {
  const before = remembered();
  const log = await checkLog(api, before, new Date().toISOString());
  const from = Math.max(0, log.checkpoint.size - NEWEST);
  const words = await checkLines(api, log, from);
  if (log.memory && words.holds) remember(log.memory);
  return { ...log, before, words, from };
}

/** Every entry, from the first on: that takes a while, and says how far it is. */
function useEvery(log: Checked | undefined) {
  const [share, set] = useState(0);
  const stopped = useRef(false);
  const every = useMutation({
    mutationFn: (of: Checked) => {
      stopped.current = false;
      return checkLines(api, of, 0, set, () => stopped.current);
    },
  });
  useEffect(
    () => () => {
      stopped.current = true;
    },
    [],
  );
  const { reset } = every;
  useEffect(() => {
    if (log) reset();
  }, [log, reset]);
  return {
    share,
    step: every.data,
    error: every.error,
    isPending: every.isPending,
    begin: () => log && every.mutate(log),
    stop: () => {
      stopped.current = true;
    },
  };
}

export default function Audit() {
  const { id } = useRoute();
  const log = useMutation({ mutationFn: verify });
  const { mutate: check } = log;
  useEffect(() => check(), [check]);
  const every = useEvery(log.data);
  const words = every.step ?? log.data?.words;
  const steps = log.data && words ? [...log.data.steps, words] : [];
  const search = useRef<HTMLInputElement>(null);
  useKeys([
    { keys: "v", does: "verify again", run: () => check() },
    { keys: "/", does: "look up an entry", run: () => search.current?.focus() },
  ]);
  return (
    <>
      <div className={pages.bar}>
        <h1>Audit</h1>
        <span className={parts.note}>checked by this browser, not by the daemon</span>
        <button
          type="button"
          className={`${parts.button} ${pages.grow}`}
          onClick={() => check()}
          disabled={log.isPending}
        >
          Verify <kbd className={parts.key}>v</kbd>
        </button>
      </div>
      <Scroll className={pages.scroll} label="what was checked">
        {log.isPending && <p role="status">fetching the key, the checkpoint and the tiles, and computing…</p>}
        {log.error && <Failed error={log.error} again={() => check()} />}
        {log.data && (
          <section className={pages.card} aria-label="the log">
            <Verdict
              steps={steps}
              good={
                every.step || log.data.from === 0
                  ? `${log.data.checkpoint.size.toLocaleString()} entries, all as they were signed`
                  : `the tree of ${log.data.checkpoint.size.toLocaleString()} entries is as it was signed, and so are the newest ${NEWEST.toLocaleString()}, word for word`
              }
            />
            <Steps steps={steps} />
            {log.data.from > 0 && !every.step && (
              <p>
                <button
                  type="button"
                  className={parts.button}
                  onClick={every.isPending ? every.stop : every.begin}
                >
                  {every.isPending
                    ? `Stop: ${Math.floor(every.share * 100)} % read`
                    : `Read all ${log.data.checkpoint.size.toLocaleString()} entries, too`}
                </button>
              </p>
            )}
            <Problem error={every.error} />
            <p className={parts.note}>
              {log.data.before
                ? `compared with what this browser saw ${moment(log.data.before.at)}`
                : "from now on this browser notices when something of this is changed or taken away"}
            </p>
          </section>
        )}
        <section className={styles.lookup} aria-label="one entry">
          <form
            className={styles.form}
            onSubmit={(event) => {
              event.preventDefault();
              const wanted = search.current?.value.trim() ?? "";
              become(address("audit", wanted));
            }}
          >
            <label>
              Entry{" "}
              <input
                ref={search}
                inputMode="numeric"
                pattern="[1-9][0-9]*"
                defaultValue={id}
                key={id}
                placeholder="number"
              />
            </label>
            <button type="submit" className={parts.button}>
              Prove that it is in the log
            </button>
          </form>
          {id !== "" && log.data && (
            <One key={`${id}-${log.data.checkpoint.size}`} number={Number(id)} log={log.data} />
          )}
          {id === "" && (
            <Empty title="Take any entry">
              Its words are hashed here, and the hashes beside it are followed up to the signed root.
            </Empty>
          )}
        </section>
      </Scroll>
    </>
  );
}

/** The line of the entry that took the words of this one out. */
async function redactionOf(number: number): Promise<string | undefined> {
  const { events } = await api.events({ kind: "redaction", limit: 1_000 });
  const found = events.find((it) => it.entry === number);
  return found && new TextDecoder().decode(await api.file(`entry/${found.seq}`));
}

type Checked = Awaited<ReturnType<typeof verify>>;

function One({ number, log }: { number: number; log: Checked }) {
  const proof = useMutation({
    mutationFn: async () => {
      const line = new TextDecoder().decode(await api.file(`entry/${number}`));
      const entry = JSON.parse(line) as Entry;
      const takenOut = entry.kind === "redacted" ? await redactionOf(number) : undefined;
      return { steps: await checkEntry(line, number - 1, log, takenOut), entry };
    },
  });
  const { mutate: prove } = proof;
  useEffect(() => prove(), [prove]);
  if (proof.error) return <Failed error={proof.error} />;
  if (!proof.data) return <p role="status">proving…</p>;
  return (
    <>
      <div className={pages.card}>
        <Verdict steps={proof.data.steps} good={goodOf(number, proof.data.entry)} />
        <Steps steps={proof.data.steps} />
      </div>
      <EntryView entry={proof.data.entry} />
    </>
  );
}

function goodOf(number: number, entry: Entry): string {
  return entry.kind === "redacted"
    ? `entry ${number} was in the log; its words were taken out since, on record`
    : `entry ${number} is in the signed log, word for word`;
}

function Verdict({ steps, good }: { steps: Step[]; good: string }) {
  const holds = steps.every((it) => it.holds);
  return (
    <p className={`${styles.verdict} ${holds ? parts.allow : parts.deny}`} role="status">
      {holds ? `✓ ${good}` : "✕ this does not hold"}
    </p>
  );
}

function Steps({ steps }: { steps: Step[] }) {
  return (
    <dl className={parts.facts}>
      {steps.map((step) => (
        <div key={step.name} className={styles.step}>
          <dt className={step.holds ? parts.allow : parts.deny}>
            {step.holds ? "✓" : "✕"} {step.name}
          </dt>
          <dd>
            <Visible text={step.says} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
