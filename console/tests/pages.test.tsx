// What pages say of recorded entries, as the markup that a browser gets.

import { readFileSync } from "node:fs";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { Refused } from "../src/api/client";
import { hindrance } from "../src/api/passkey";
import type { Entry } from "../src/api/types";
import { address, parse } from "../src/app/route";
import { isCut, matches, matters, NO_FILTER, rowOf, sentenceOf } from "../src/model/entry";
import { ago, left, span } from "../src/model/time";
import { bothOf, coverageOf, duration, percent, sectionsOf, wilson } from "../src/pages/oversight/figures";
import { EntryView } from "../src/parts/EntryView";
import { WholeEntry, WholeView } from "../src/parts/WholeEntry";

const read = (name: string) => readFileSync(new URL(`../mock/data/${name}`, import.meta.url), "utf8");
const entries = read("entries.jsonl")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Entry);
const decided = (words: string) => {
  const found = entries.find((it) => it.action && rowOf(it).text.includes(words));
  return found ?? expect.fail(`nothing recorded has ${words}`);
};

describe("an entry", () => {
  test("tells the whole way of a decision, with the words underlined", () => {
    const page = renderToStaticMarkup(<EntryView entry={decided("rm -rf build/")} />);
    expect(page).toMatch(/rm -rf build\/ <mark[^>]*>~\/<\/mark>/);
    for (const words of [
      "Asked for",
      "What it would do",
      "deletes ",
      "What the rules say",
      "Outcome",
      "deny",
    ]) {
      expect(page).toContain(words);
    }
  });

  test("of a hostile agent runs nothing, hides nothing and turns nothing around", () => {
    const page = renderToStaticMarkup(<EntryView entry={decided("<script>")} />);
    expect(page).toContain("&lt;script&gt;");
    expect(page).not.toContain("<script");
    expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/);
    expect(page).toContain("ESC");
    expect(page).toContain("RLO");
  });

  test("in brief is not shown as if it were all, neither on the way nor when it does not come", () => {
    const { decision, ...rest } = decided("rm -rf build/");
    const { verdict, code } = decision ?? expect.fail("it was decided");
    const brief = { ...rest, facts: {}, decision: { verdict, code }, brief: true } as unknown as Entry;
    const shown = (entry: Entry) =>
      renderToStaticMarkup(
        <QueryClientProvider client={new QueryClient()}>
          <WholeEntry entry={entry} />
        </QueryClientProvider>,
      );
    const nothing = () => undefined;
    const failed = renderToStaticMarkup(
      <WholeView entry={undefined} error={new Refused(0, "the daemon does not answer")} again={nothing} />,
    );
    for (const page of [shown(brief), failed]) {
      expect(page).not.toMatch(/nothing|no rule is about this|undefined|Outcome/);
    }
    expect(shown(brief)).toContain("loading the entry");
    expect(failed).toContain("the daemon does not answer");
    expect(failed).toContain("Try again");
    expect(shown(decided("rm -rf build/"))).toContain("What the rules say");
  });

  test("that was cut says so, and is asked about rather than taken for one that does not fit", () => {
    const brief = (input: string) => ({
      ...decided("rm -rf build/"),
      action: { tool: "Bash", input },
      brief: true,
    });
    expect([brief("ls"), brief("ls…")].map((it) => isCut(it as Entry))).toEqual([false, true]);
    expect(entries.some(isCut)).toBe(false);
  });

  test("of any kind and any form is shown", () => {
    const odd = { seq: 1, at: "", kind: "unheard-of", session: "s" };
    for (const entry of [
      ...entries,
      odd,
      { ...odd, kind: "finding", findings: 3 },
      { ...odd, intent: null, kind: "prompt" },
    ]) {
      expect(renderToStaticMarkup(<EntryView entry={entry as Entry} />)).not.toBe("");
    }
  });
});

describe("a filter", () => {
  test("takes what fits in every way that is asked for", () => {
    const count = (filter: Partial<typeof NO_FILTER>) =>
      entries.filter((it) => matches(it, { ...NO_FILTER, ...filter })).length;
    expect(count({})).toBe(entries.length);
    expect(count({ verdict: "deny" })).toBe(6);
    expect(count({ q: "CURL collect" })).toBe(1);
    expect(count({ rule: "infra.destroy" })).toBe(2);
    expect(count({ verdict: "deny", q: "docker" })).toBe(0);
    expect(entries.filter(matters).every((it) => it.kind !== "result")).toBe(true);
  });
});

describe("words", () => {
  test("for effects, times and places", () => {
    const effect = { kind: "delete", target: { known: "/x" }, recursive: true, scope: { container: "db" } };
    expect(sentenceOf(effect)).toEqual({
      deed: "deletes",
      target: "/x",
      notes: ["recursive", "in container db"],
    });
    expect(sentenceOf({ kind: "new_kind", target: { unknown: "why" } }).target).toBe("something unknown");
    expect([span(59.9), span(3_600), span(200_000), span(-4)]).toEqual(["59 s", "1 h", "2 d", "0 s"]);
    expect(ago("not a time", 0)).toBe("?");
    expect(left("1970-01-01T00:00:10Z", 11_000)).toBeUndefined();
    expect(parse(address("sessions", "a/b ?#%", { at: "7" }))).toMatchObject({
      page: "sessions",
      id: "a/b ?#%",
    });
    expect(parse("#/nowhere/%E0%A4%A").page).toBe("live");
    expect(hindrance({ hostname: "127.0.0.1", port: "7475" }, true)).toContain("http://localhost:7475");
    expect(hindrance({ hostname: "localhost", port: "7475" }, true)).toBeUndefined();
  });
});

describe("oversight", () => {
  test("puts side by side what agents and Ringfence tell of the same", () => {
    const both = bothOf(JSON.parse(read("oversight.json")));
    expect(both.find((it) => it.name === "approved when asked")).toEqual({
      name: "approved when asked",
      transcripts: "88.1 % of 1,611",
      log: "81.5 % of 260",
      published: "93 %",
    });
    for (const nothing of [null, {}, { guard: { decisions: 0 }, calls: 0 }]) {
      expect(bothOf(nothing).every((it) => it.transcripts === undefined && it.log === undefined)).toBe(true);
      expect(coverageOf(nothing)).toBeUndefined();
    }
  });

  test("shows what is known, and says what is not", () => {
    const sections = sectionsOf(JSON.parse(read("oversight.json")));
    expect(sections.map((it) => it.rows.length)).toEqual([4, 5, 5, 9]);
    const empty = sectionsOf({ approval_rate: { unknown: "n is 0" } });
    expect(empty[0]?.rows[0]).toMatchObject({ kind: "share", share: undefined });
    expect(sectionsOf(null)).toHaveLength(4);
    expect([percent(0.0084), percent(1), percent(0)]).toEqual(["0.84 %", "100 %", "0 %"]);
    expect([duration(800), duration(45_000), duration(2_700_000)]).toEqual(["800 ms", "45 s", "45 min"]);
    const caught = sections[0]?.rows.at(-1);
    const [first] = (caught?.kind === "share" && caught.groups) || [];
    expect(first?.weeks?.map((it) => [it.name, it.share.count, it.share.n])).toEqual([
      ["2026-10-05", 1, 3],
      ["2026-10-12", 2, 3],
      ["2026-10-19", 3, 3],
      ["2026-11-02", 3, 3],
    ]);
    // Newcombe 1998, table I: 15 of 148.
    const { low, high } = wilson(15, 148);
    expect([low.toFixed(4), high.toFixed(4)]).toEqual(["0.0624", "0.1605"]);
  });
});
