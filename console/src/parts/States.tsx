import { Component, type ReactNode } from "react";
import { Refused } from "../api/client";
import { plain } from "../model/text";
import styles from "./parts.module.css";

export function Loading({ what }: { what: string }) {
  return (
    <div className={styles.bars} role="status">
      <span className="only-read">loading {what}</span>
      {Array.from({ length: 7 }, (_, at) => (
        <i key={at} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={styles.state}>
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

export function messageOf(error: unknown): string {
  return plain(error instanceof Error ? error.message : String(error));
}

const TITLES: Record<number, string> = {
  0: "Nobody answers",
  404: "Not there",
  429: "Too many at once",
  503: "Not now",
};

export function Failed({ error, again }: { error: unknown; again?: () => void }) {
  const status = error instanceof Refused ? error.status : undefined;
  const title = (status !== undefined && TITLES[status]) || "That did not work";
  return (
    <div className={styles.state} role="alert">
      <strong>{title}</strong>
      <p>{messageOf(error)}</p>
      {again && (
        <button type="button" className={styles.button} onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A page that cannot be drawn leaves the rest of the console as it is. */
export class Guarded extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return <Failed error={error} again={() => this.setState({ error: undefined })} />;
  }
}

export function Problem({ error }: { error: unknown }) {
  return error ? (
    <p className={styles.problem} role="alert">
      {messageOf(error)}
    </p>
  ) : null;
}
