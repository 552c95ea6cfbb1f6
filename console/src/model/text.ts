// Text of strangers: commands, names of files, titles of sessions. It is shown as text and nothing else, and
// what would hide, reorder or move text is made visible.

export interface Piece {
  text: string;
  /** Set where this piece stands for a character that cannot be seen. */
  hidden?: string;
}

// Controls, what reorders text, what has no width, separators of lines, tags, variation selectors. A new line is seen.
const HIDDEN = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

const NAMES: Record<number, string> = {
  7: "BEL",
  8: "BS",
  9: "⇥",
  13: "CR",
  27: "ESC",
  127: "DEL",
  8203: "ZWSP",
  8204: "ZWNJ",
  8205: "ZWJ",
  8206: "LRM",
  8207: "RLM",
  8234: "LRE",
  8235: "RLE",
  8236: "PDF",
  8237: "LRO",
  8238: "RLO",
  8294: "LRI",
  8295: "RLI",
  8296: "FSI",
  8297: "PDI",
  65279: "BOM",
};

/** What to write for a character that cannot be seen; nothing for one that can. */
export function nameOfHidden(character: string): string | undefined {
  if (!HIDDEN.test(character)) return undefined;
  const code = character.codePointAt(0) ?? 0;
  return NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The text in pieces, each visible or standing for one character that is not. */
export function visible(text: string): Piece[] {
  const pieces: Piece[] = [];
  let plain = "";
  for (const character of text) {
    const name = nameOfHidden(character);
    if (name === undefined) {
      plain += character;
      continue;
    }
    if (plain) pieces.push({ text: plain });
    plain = "";
    pieces.push({ text: character, hidden: name });
  }
  if (plain) pieces.push({ text: plain });
  return pieces;
}

/** The same as one string, for titles and labels. */
export function plain(text: string): string {
  return visible(text)
    .map((piece) => (piece.hidden === undefined ? piece.text : `‹${piece.hidden}›`))
    .join("");
}

export interface Marked {
  text: string;
  marked: boolean;
}

/**
 * Cuts a text where spans of UTF-8 bytes begin and end. Spans that lie outside of it, or in the middle of a
 * character, mark whole characters at most.
 */
export function mark(text: string, spans: readonly (readonly [number, number])[]): Marked[] {
  const valid = spans.filter(([start, end]) => start >= 0 && end > start);
  if (valid.length === 0) return text ? [{ text, marked: false }] : [];
  const parts: Marked[] = [];
  let byte = 0;
  for (const character of text) {
    const length = widthInBytes(character.codePointAt(0) ?? 0);
    const at = byte;
    const marked = valid.some(([start, end]) => at < end && at + length > start);
    byte += length;
    const last = parts.at(-1);
    if (last && last.marked === marked) last.text += character;
    else parts.push({ text: character, marked });
  }
  return parts;
}

function widthInBytes(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

/** The value at a JSON Pointer, as text; undefined where there is none. */
export function at(value: unknown, pointer: string): string | undefined {
  let here: unknown = value;
  for (const step of pointer.split("/").slice(1)) {
    if (typeof here !== "object" || here === null) return undefined;
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!Object.hasOwn(here, name)) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return typeof here === "string" ? here : undefined;
}

/** The first so many characters, on one line. */
export function oneLine(text: string, longest = 400): string {
  const line = text.replaceAll("\n", " ⏎ ");
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
