import { Fragment, memo } from "react";
import type { Evidence } from "../api/types";
import { mark, type Piece, visible } from "../model/text";
import styles from "./parts.module.css";
import { Scroll } from "./Scroll";

function Pieces({ pieces }: { pieces: Piece[] }) {
  return pieces.map((piece, at) =>
    piece.hidden === undefined ? (
      <Fragment key={at}>{piece.text}</Fragment>
    ) : (
      <span key={at} className={styles.hidden} title="a character that cannot be seen">
        {piece.hidden}
      </span>
    ),
  );
}

/** Text of strangers, in a line: nothing in it is markup, and nothing in it is hidden. */
export const Visible = memo(function Visible({ text }: { text: string }) {
  return (
    <bdi className={styles.isolate}>
      <Pieces pieces={visible(text)} />
    </bdi>
  );
});

/** Text of strangers with the words underlined that evidence points at. */
export function Underlined({ text, evidence }: { text: string; evidence: readonly Evidence[] }) {
  const parts = mark(
    text,
    evidence.map((it) => it.span),
  );
  return (
    <bdi className={styles.isolate}>
      {parts.map((part, at) =>
        part.marked ? (
          <mark key={at} className={styles.marked}>
            <Pieces pieces={visible(part.text)} />
          </mark>
        ) : (
          <Pieces key={at} pieces={visible(part.text)} />
        ),
      )}
    </bdi>
  );
}

/** The longest text that is shown before somebody asks for the rest. */
const SHOWN = 8_000;

/** Several lines of it, which can be scrolled by keys. */
export function Block({
  text,
  label,
  evidence = [],
}: {
  text: string;
  label: string;
  evidence?: readonly Evidence[];
}) {
  const shown = text.length > SHOWN ? text.slice(0, SHOWN) : text;
  return (
    <Scroll className={styles.block} label={label}>
      <Underlined text={shown} evidence={evidence} />
      {shown.length < text.length && (
        <span className={styles.note}>{`\n… ${text.length - SHOWN} more characters`}</span>
      )}
    </Scroll>
  );
}
