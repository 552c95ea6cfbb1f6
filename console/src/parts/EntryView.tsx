import type { ReactNode } from "react";
import type { Decision, Effect, Entry, Evidence } from "../api/types";
import { address } from "../app/route";
import { evidenceOf, rowOf, sentenceOf, textsOf } from "../model/entry";
import { moment } from "../model/time";
import styles from "./parts.module.css";
import { Block, Visible } from "./Text";
import { Verdict } from "./Verdict";

function Step({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className={styles.step}>
      <header>
        <h2 className={styles.title}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** An entry of the log in full, never one in brief: what was asked for, what it would do, what is true, what rules say, what came of it. */
export function EntryView({ entry }: { entry: Entry }) {
  const { action, decision } = entry;
  return (
    <div className={styles.steps}>
      {action && (
        <Asked input={action.input} tool={action.tool} evidence={evidenceOf(entry)} cwd={action.cwd} />
      )}
      {decision && <Effects decision={decision} />}
      {entry.facts && <Facts facts={entry.facts} />}
      {decision && <Rules decision={decision} />}
      {decision ? <Outcome entry={entry} decision={decision} /> : <Told entry={entry} />}
    </div>
  );
}

interface AskedProps {
  tool: string;
  input: unknown;
  evidence: readonly Evidence[];
  cwd?: string | null | undefined;
}

export function Asked({ tool, input, evidence, cwd }: AskedProps) {
  return (
    <Step
      title="Asked for"
      aside={
        <>
          <b>
            <Visible text={tool} />
          </b>
          {cwd && (
            <span className={styles.note}>
              in <Visible text={cwd} />
            </span>
          )}
        </>
      }
    >
      {textsOf(input).map(({ pointer, name, text }) => (
        <div key={pointer}>
          {textsOf(input).length > 1 && <span className={styles.note}>{<Visible text={name} />}</span>}
          <Block
            text={text}
            label={`input ${name}`}
            evidence={evidence.filter((it) => pointsInto(it, pointer, text))}
          />
        </div>
      ))}
    </Step>
  );
}

/** Whether evidence is about this text. Of an input that is told as one text, the words have to agree. */
function pointsInto(evidence: Evidence, pointer: string, text: string): boolean {
  if (evidence.in === pointer) return true;
  if (pointer !== "/input" || !evidence.in.startsWith("/input/")) return false;
  const bytes = new TextEncoder().encode(text).slice(...evidence.span);
  return new TextDecoder().decode(bytes) === evidence.text;
}

function Sentence({ effect }: { effect: Effect }) {
  const { deed, target, notes } = sentenceOf(effect);
  return (
    <li className={styles.effect}>
      {deed}{" "}
      <b>
        <Visible text={target} />
      </b>
      {notes.length > 0 && (
        <span className={styles.note}>
          {" "}
          <Visible text={notes.join(", ")} />
        </span>
      )}
    </li>
  );
}

function Effects({ decision }: { decision: Decision }) {
  const effects = decision.effects ?? [];
  const opaque = decision.opaque ?? [];
  return (
    <Step title="What it would do">
      <ul>
        {effects.map((effect, at) => (
          <Sentence key={at} effect={effect} />
        ))}
        {opaque.map((it, at) => (
          <li key={`o${at}`} className={styles.effect}>
            cannot be told: <b>{<Visible text={it.reason.replaceAll("_", " ")} />}</b>{" "}
            {it.detail && <span className={styles.note}>{<Visible text={it.detail} />}</span>}
          </li>
        ))}
        {effects.length + opaque.length === 0 && <li className={styles.note}>nothing</li>}
      </ul>
    </Step>
  );
}

/** A value in a few words: `branch main, head unborn`. */
function inWords(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  const { exists, ...rest } = value as Record<string, unknown>;
  if (exists === false) return "is not there";
  return Object.entries(rest)
    .filter(([, it]) => it !== "" && it !== null && it !== false && inWords(it) !== "")
    .map(([name, it]) => (name === "kind" ? String(it) : it === true ? name : `${name} ${inWords(it)}`))
    .join(", ");
}

const LONGEST = 300;
const MOST = 60;

/** Lines of a name and a value. What is said of each path stands in a line of its own. */
function linesOf(fields: Record<string, unknown>): [string, string][] {
  const { paths, ...rest } = fields;
  const named = Object.entries(typeof paths === "object" && paths !== null ? paths : {});
  return [...Object.entries(rest), ...named]
    .map(([name, value]): [string, string] => [name, inWords(value)])
    .filter(([, value]) => value !== "")
    .slice(0, MOST)
    .map(([name, value]) => [name, value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value]);
}

function Facts({ facts }: { facts: Record<string, unknown> }) {
  const { guards: _, files, ...rest } = facts;
  const read = typeof files === "object" && files !== null ? Object.keys(files) : [];
  const lines = linesOf({ ...rest, ...(read.length > 0 ? { "files read": read } : {}) });
  if (lines.length === 0) return null;
  return (
    <Step title="What is true here">
      <dl className={styles.facts}>
        {lines.map(([name, value]) => (
          <Pair key={name} name={name} value={value} />
        ))}
      </dl>
    </Step>
  );
}

function Pair({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>
        <Visible text={name} />
      </dt>
      <dd>
        <Visible text={value} />
      </dd>
    </>
  );
}

function Rules({ decision }: { decision: Decision }) {
  const rules = decision.rules ?? [];
  return (
    <Step title="What the rules say">
      {rules.length === 0 && <p className={styles.note}>no rule is about this</p>}
      {rules.map((rule, at) => (
        <div key={at} className={`${styles.rule} ${styles[rule.outcome] ?? ""}`}>
          <code>
            <Visible text={rule.id} />
          </code>{" "}
          says {rule.outcome}
          {rule.why && (
            <p>
              <Visible text={rule.why} />
            </p>
          )}
          {rule.instead && (
            <p className={styles.instead}>
              Instead: <Visible text={rule.instead} />
            </p>
          )}
        </div>
      ))}
    </Step>
  );
}

function Outcome({ entry, decision }: { entry: Entry; decision: Decision }) {
  const took = decision.elapsed_us === undefined ? "" : ` in ${(decision.elapsed_us / 1_000).toFixed(1)} ms`;
  return (
    <Step title="Outcome" aside={<Verdict of={decision.verdict} badge />}>
      <p>
        decided by {decision.decided_by}
        {took}; entry{" "}
        <a href={address("audit", String(entry.seq))} title="check it in the signed log">
          {entry.seq}
        </a>
        , {moment(entry.at)}
      </p>
    </Step>
  );
}

const COMMON = new Set(["seq", "prev", "hash", "at", "kind", "agent", "session", "waited_us"]);

function Told({ entry }: { entry: Entry }) {
  const lines = linesOf(Object.fromEntries(Object.entries(entry).filter(([name]) => !COMMON.has(name))));
  return (
    <Step title={entry.kind}>
      <p>
        <Visible text={rowOf(entry).text} />
      </p>
      <dl className={styles.facts}>
        {lines.map(([name, value]) => (
          <Pair key={name} name={name} value={value} />
        ))}
        <Pair name="when" value={moment(entry.at)} />
        <Pair name="entry" value={String(entry.seq)} />
      </dl>
    </Step>
  );
}
