import type { Verdict as Word } from "../api/types";
import styles from "./parts.module.css";

// A form for each, so that none is told by its colour alone.
const FORMS: Record<Word, string> = {
  allow: "M3 6.5 5.5 9 10 3.5",
  contain: "M2.5 2.5h8v8h-8z",
  ask: "M4.2 4.6a2.3 2.3 0 1 1 3.4 2c-.8.4-1.1.8-1.1 1.5M6.5 10.4v.3",
  deny: "M3 3 10 10 M10 3 3 10",
};

export function Verdict({ of, badge = false }: { of: Word; badge?: boolean }) {
  return (
    <span className={`${styles.verdict} ${styles[of]} ${badge ? styles.badge : ""}`}>
      <svg width="13" height="13" viewBox="0 0 13 13" aria-hidden="true">
        <path d={FORMS[of]} fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
      </svg>
      {of}
    </span>
  );
}
