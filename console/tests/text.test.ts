import { describe, expect, test } from "vitest";
import { at, mark, plain, visible } from "../src/model/text";

describe("text of strangers", () => {
  test("shows what hides, reorders and moves text", () => {
    expect(plain("a\u202eb")).toBe("a‹RLO›b");
    expect(plain("\u001b]0;owned\u0007")).toBe("‹ESC›]0;owned‹BEL›");
    expect(plain("zero\u200bwidth\ufeff\u00ad")).toBe("zero‹ZWSP›width‹BOM›‹U+00AD›");
    expect(plain("tag \u{e0041}\u{e0100}")).toBe("tag ‹U+E0041›‹U+E0100›");
    expect(plain("half \ud800 of a pair")).toBe("half ‹U+D800› of a pair");
    expect(plain("two\nlines")).toBe("two\nlines");
    expect(plain("größe 日本 🦔")).toBe("größe 日本 🦔");
  });

  test("stays text, whatever is in it", () => {
    const text = "<img src=x onerror=alert(1)> &amp;";
    expect(visible(text)).toEqual([{ text }]);
  });
});

describe("evidence", () => {
  const words = (text: string, ...spans: [number, number][]) =>
    mark(text, spans)
      .filter((it) => it.marked)
      .map((it) => it.text);

  test("is underlined by bytes, not by characters", () => {
    expect(words("rm -rf tests/ ~/", [14, 16])).toEqual(["~/"]);
    expect(words("größe rm", [8, 10])).toEqual(["rm"]);
    expect(words("🦔 日本 x", [5, 11])).toEqual(["日本"]);
  });

  test("that overlaps is one, and outside of the text is none", () => {
    expect(words("abcdef", [0, 3], [2, 4])).toEqual(["abcd"]);
    expect(words("abc", [3, 9], [-4, -1], [2, 2])).toEqual([]);
    expect(mark("", [[0, 1]])).toEqual([]);
  });

  test("in the middle of a character marks the whole of it", () => {
    expect(words("é", [1, 2])).toEqual(["é"]);
  });

  test("is found by its pointer, own fields alone", () => {
    expect(at({ input: { "a/b": { "c~d": "x" } } }, "/input/a~1b/c~0d")).toBe("x");
    expect(at({}, "/constructor/name")).toBeUndefined();
    expect(at({ input: [1] }, "/input/0")).toBeUndefined();
  });
});
