import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { PolicyProblem } from "../../api/types";
import { plain } from "../../model/text";

const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { font: "12.5px/1.55 var(--mono)" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--ground)", color: "var(--muted)", border: "0" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--line-soft) 55%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--chosen) !important",
  },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line)" },
  ".cm-specialChar": { color: "var(--deny)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--contain)" },
  { tag: tags.string, color: "var(--accent)" },
  { tag: [tags.comment, tags.meta], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.atom], color: "var(--ask)" },
  { tag: tags.heading, fontWeight: "650" },
]);

interface Props {
  /** What stands in it at first. */
  text: string;
  problems: readonly PolicyProblem[];
  change: (text: string) => void;
  /** A line to go to, anew with each object. */
  goTo: { line: number } | undefined;
  label: string;
}

/**
 * An editor. It lies in a shadow tree, as it makes style sheets of its own, which a page under a strict policy
 * takes only there.
 */
export function Editor({ text, problems, change, goTo, label }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const told = useRef(change);
  told.current = change;
  const first = useRef(text);
  useEffect(() => {
    if (!host.current) return;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const editor = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          highlightSpecialChars(),
          StreamLanguage.define(toml),
          syntaxHighlighting(colours),
          look,
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, [label]);
  useEffect(() => {
    const editor = view.current;
    if (editor)
      editor.dispatch(
        setDiagnostics(
          editor.state,
          problems.map((it) => place(editor.state, it)),
        ),
      );
  }, [problems]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || !goTo) return;
    const line = editor.state.doc.line(clamp(goTo.line, editor.state.doc.lines));
    editor.dispatch({ selection: { anchor: line.from }, scrollIntoView: true });
    editor.focus();
  }, [goTo]);
  return <div ref={host} style={{ height: "100%" }} />;
}

const clamp = (line: number, lines: number) => Math.min(Math.max(1, line), lines);

/** From the place on to the end of its line. */
function place(state: EditorState, { line, column, message }: PolicyProblem): Diagnostic {
  const { from, to } = state.doc.line(clamp(line, state.doc.lines));
  const start = Math.min(from + Math.max(0, column - 1), to);
  return { from: start, to: Math.max(start, to), severity: "error", message: plain(message) };
}
