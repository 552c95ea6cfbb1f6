import type { Answered } from "../../api/types";
import { Dialog } from "../../parts/Dialog";
import parts from "../../parts/parts.module.css";
import { Block, Visible } from "../../parts/Text";
import styles from "./approvals.module.css";

/** What an answer brought to light: that it was a test, or a rule that would spare the next question. */
export function Reveal({
  answered: { probe, proposed_rule: rule },
  close,
}: {
  answered: Answered;
  close: () => void;
}) {
  const title = probe
    ? probe.caught
      ? "That was a test, and you caught it"
      : "That was a test, and it got through"
    : "A rule for this";
  return (
    <Dialog title={title} close={close}>
      {probe && (
        <>
          <p className={styles.revealed}>
            <Visible text={probe.text} />
          </p>
          <p className={parts.note}>Whatever you had said, nothing would have run.</p>
        </>
      )}
      {rule && (
        <>
          <p>This would decide the same from now on. Look at it under Policies before you save it.</p>
          <Block text={rule} label="the proposed rule" />
        </>
      )}
      <div className={parts.choices}>
        {rule && (
          <button
            type="button"
            className={parts.button}
            onClick={() => void navigator.clipboard?.writeText(rule)}
          >
            Copy the rule
          </button>
        )}
        {/* biome-ignore lint/a11y/noAutofocus: the only thing to do in a dialog that was just opened */}
        <button type="button" className={`${parts.button} ${parts.primary}`} onClick={close} autoFocus>
          Go on
        </button>
      </div>
    </Dialog>
  );
}
