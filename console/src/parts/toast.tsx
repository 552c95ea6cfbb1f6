// Short words on what was done, read out by screen readers.

import { useSyncExternalStore } from "react";
import styles from "./parts.module.css";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

let toasts: Toast[] = [];
let next = 0;
const readers = new Set<() => void>();

function change(to: Toast[]): void {
  toasts = to;
  for (const reader of readers) reader();
}

export function say(text: string, bad = false): void {
  const id = next++;
  change([...toasts.slice(-3), { id, text, bad }]);
  setTimeout(() => change(toasts.filter((it) => it.id !== id)), 7_000);
}

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  return () => readers.delete(reader);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <output className={styles.toasts} aria-live="polite">
      {shown.map((toast) => (
        <span key={toast.id} className={`${styles.toast} ${toast.bad ? styles.bad : ""}`}>
          {toast.text}
        </span>
      ))}
    </output>
  );
}
