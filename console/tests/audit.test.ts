// What the program signed and proved (`mock/record.py`), checked by the second implementation.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { base64, hex, sha256, unbase64, utf8 } from "../src/audit/hash";
import { checkLines } from "../src/audit/lines";
import { isSigned, readCheckpoint, readNote, readVerifier } from "../src/audit/note";
import { isConsistent, isIncluded, leafHash, nodeHash, Tiles, tilePath } from "../src/audit/tree";
import { checkEntry, checkLog, openLine, type Source } from "../src/audit/verify";

interface Vectors {
  checkpoint: string;
  key: string;
  tiles: Record<string, string>;
  proofs: Record<string, string>;
  entries: Record<string, string>;
  log: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../mock/data/proofs.json", import.meta.url), "utf8"),
) as Vectors;
const checkpoint = readCheckpoint(readNote(vectors.checkpoint).text);
const tile = async (path: string) => {
  const found = unbase64(vectors.tiles[path] ?? "");
  if (!found?.length) throw new Error(`no ${path}`);
  return found;
};
const source = (changed: Record<string, Uint8Array> = {}): Source => ({
  async file(path) {
    if (changed[path]) return changed[path];
    if (path === "key") return utf8(`${vectors.key}\n`);
    return path === "checkpoint" ? utf8(vectors.checkpoint) : tile(path);
  },
});

describe("a note", () => {
  test("of the program is signed by its key and by no other", async () => {
    const note = readNote(vectors.checkpoint);
    expect(await isSigned(note, await readVerifier(vectors.key))).toBe(true);
    expect(
      await isSigned({ ...note, text: note.text.replace("700", "701") }, await readVerifier(vectors.key)),
    ).toBe(false);
    const other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    expect(await isSigned(note, await readVerifier(other))).toBe(false);
  });

  test("of somebody else is read", async () => {
    // The example in the documentation of Go's `golang.org/x/mod/sumdb/note`.
    const key = await readVerifier("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    const note = readNote(
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
    );
    expect(await isSigned(note, key)).toBe(true);
  });

  test("that is none is refused", async () => {
    for (const text of ["", "text\n", "text\n\n", "text\n\nname AAAA\n", "text\n\n— name\n"]) {
      expect(() => readNote(text), JSON.stringify(text)).toThrow();
    }
    for (const text of ["", "a+b", "a+00000000+AAAA", "a b+00000000+AYUt"]) {
      await expect(readVerifier(text)).rejects.toThrow();
    }
  });
});

describe("a tree", () => {
  test("has the root that was signed", async () => {
    expect(base64(await new Tiles(checkpoint.size, tile).root())).toBe(base64(checkpoint.root));
  });

  test("proves an entry by the hashes that the program names", async () => {
    const tiles = new Tiles(checkpoint.size, tile);
    for (const [seq, written] of Object.entries(vectors.proofs)) {
      const index = Number(/^index (\d+)$/m.exec(written)?.[1]);
      const hashes = (written.split("\n\n")[0] ?? "").split("\n").slice(3);
      const proof = await tiles.inclusion(index);
      expect(proof.map(base64), seq).toEqual(hashes);
    }
  });

  test("proves every leaf in its place and in no other, at every size", async () => {
    for (let size = 1; size <= 20; size++) {
      const leaves = await Promise.all(Array.from({ length: size }, (_, n) => leafHash(utf8(String(n)))));
      const tiles = new Tiles(size, async () => Uint8Array.from(leaves.flatMap((leaf) => [...leaf])));
      const root = await tiles.root();
      for (let index = 0; index < size; index++) {
        const proof = await tiles.inclusion(index);
        for (const [other, leaf] of leaves.entries()) {
          expect(await isIncluded(leaf, index, size, proof, root), `${index} of ${size} as ${other}`).toBe(
            other === index,
          );
        }
        const [leaf] = leaves.slice(index);
        if (proof.length > 0 && leaf) {
          expect(await isIncluded(leaf, index, size, proof.slice(1), root)).toBe(false);
        }
      }
    }
  });

  test("grows, and is never another", async () => {
    const leaves = await Promise.all(Array.from({ length: 24 }, (_, n) => leafHash(utf8(String(n)))));
    const tilesOf = (size: number) =>
      new Tiles(size, async () => Uint8Array.from(leaves.slice(0, size).flatMap((leaf) => [...leaf])));
    for (let young = 1; young <= 24; young++) {
      const tiles = tilesOf(young);
      const root = await tiles.root();
      for (let old = 0; old <= young; old++) {
        const before = { size: old, root: await tilesOf(old).root() };
        const proof = await tiles.consistency(old);
        expect(await isConsistent(before, { size: young, root }, proof), `${old} in ${young}`).toBe(true);
        const another = { size: old, root: await leafHash(utf8("another")) };
        expect(await isConsistent(another, { size: young, root }, proof)).toBe(old === 0);
      }
    }
  });

  test("names its tiles as the layout says", () => {
    expect(tilePath(0, 0, 700)).toBe("tile/0/000");
    expect(tilePath(0, 2, 700)).toBe("tile/0/002.p/188");
    expect(tilePath(1, 0, 700)).toBe("tile/1/000.p/2");
    expect(tilePath(0, 1_234_067, 400_000_000)).toBe("tile/0/x001/x234/067");
  });

  test("hashes as the standard says", async () => {
    expect(hex(await sha256())).toMatch(/^e3b0c442/);
    expect(hex(await nodeHash(await leafHash(utf8("")), await leafHash(utf8(""))))).toHaveLength(64);
  });
});

describe("the log", () => {
  test("holds, and is remembered", async () => {
    const log = await checkLog(source(), undefined, "now");
    expect(log.steps.map((it) => [it.name, it.holds])).toEqual([
      ["key", true],
      ["signature", true],
      ["tree", true],
    ]);
    const again = await checkLog(source(), log.memory, "later");
    expect(again.steps.at(-1)).toMatchObject({ name: "growth", holds: true });
  });

  test("that grew from what is remembered continues it; one that shrank or changed does not", async () => {
    const log = await checkLog(source(), undefined, "now");
    const memory = log.memory ?? expect.fail();
    const widest = (path: string) => Object.keys(vectors.tiles).find((it) => it.startsWith(path)) ?? path;
    const smaller = new Tiles(300, (path) => tile(widest(path.replace(/\.p\/\d+$/, ""))));
    const before = { ...memory, size: 300, root: base64(await smaller.root()) };
    expect((await checkLog(source(), before, "")).steps.at(-1)).toMatchObject({
      name: "growth",
      holds: true,
    });
    const other = { ...memory, size: 300 };
    expect((await checkLog(source(), other, "")).memory).toBeUndefined();
    expect((await checkLog(source(), { ...memory, size: 701 }, "")).memory).toBeUndefined();
    expect((await checkLog(source(), { ...memory, key: "another" }, "")).memory).toBeUndefined();
  });

  test("is not believed with any bit of a tile or of the checkpoint turned", async () => {
    const flip = (bytes: Uint8Array, bit: number) => {
      const copy = bytes.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return copy;
    };
    const last = await tile("tile/0/002.p/188");
    for (let bit = 0; bit < last.length * 8; bit += 997) {
      const log = await checkLog(source({ "tile/0/002.p/188": flip(last, bit) }), undefined, "");
      expect(log.memory, `bit ${bit}`).toBeUndefined();
    }
    const note = utf8(vectors.checkpoint);
    for (let bit = 0; bit < note.length * 8; bit += 13) {
      const read = checkLog(source({ checkpoint: flip(note, bit) }), undefined, "");
      await expect(
        read.then(
          (log) => log.memory,
          () => undefined,
        ),
        `bit ${bit}`,
      ).resolves.toBeUndefined();
    }
  });

  test("is read line by line, and any change of one is found and named", async () => {
    const log = await checkLog(source(), undefined, "");
    const lines = gunzipSync(Buffer.from(vectors.log, "base64")).toString().trimEnd().split("\n");
    const check = (changed: string[], after = 0) => {
      const file = async (path: string) => {
        const from = Number(/^entries\/(\d+)$/.exec(path)?.[1]);
        const rest = changed.filter((line) => Number(/"seq":(\d+)/.exec(line)?.[1]) > from);
        return utf8(rest.slice(0, 90).join("\n"));
      };
      return checkLines({ file }, log, after);
    };
    expect(await check(lines)).toMatchObject({ holds: true, says: "every entry, as signed, word for word" });
    expect(await check(lines, 600)).toMatchObject({ holds: true });
    const other = (at: number, from: string, to: string) =>
      lines.map((line, place) => (place === at ? line.replace(from, to) : line));
    const found: [string[], string][] = [
      [other(41, "echo 41", "echo 43"), "entry 42: its words"],
      [other(41, '"hash":"sha256:', '"hash":"sha256:f'), "cannot be read"],
      [lines.filter((_, place) => place !== 300), "entry 301 is not there"],
      [lines.slice(0, 690), "entries 691 to 700 are not there"],
      [lines.slice(20), "entries 1 to 20 are not there"],
      [lines.with(9, lines[10] ?? "").with(10, lines[9] ?? ""), "is not there"],
    ];
    for (const [changed, says] of found) {
      const step = await check(changed);
      expect(step.holds, says).toBe(false);
      expect(step.says).toContain(says);
    }
    // Sealed anew, so that its words and its hash agree: the tree says otherwise.
    const content = (lines[699] ?? "").replace("echo 699", "echo 0");
    const words = content.slice(0, content.lastIndexOf(',"hash"'));
    const sealed = `${words},"hash":"sha256:${hex(await sha256(utf8(words)))}"}`;
    expect((await check(lines.with(699, sealed))).says).toContain("entry 700 is not the one that was signed");
  });

  test("whose beginning was kept long enough holds from any entry on, where an entry says so", async () => {
    const seal = async (content: string) => {
      const hash = `sha256:${hex(await sha256(utf8(content)))}`;
      return { line: `${content},"hash":"${hash}"}`, hash };
    };
    const sealed: { line: string; hash: string }[] = [];
    const add = async (kind: string) =>
      sealed.push(
        await seal(`{"seq":${sealed.length + 1},"prev":"${sealed.at(-1)?.hash ?? ""}","at":"",${kind}`),
      );
    for (let seq = 1; seq <= 8; seq++) await add('"kind":"note"');
    await add(`"kind":"pruned","segments":[{"last":{"seq":5,"hash":"${sealed[4]?.hash}"}}]`);
    const leaves = await Promise.all(sealed.map(({ hash }, at) => leafHash(utf8(`${at + 1} ${hash}`))));
    const tiles = new Tiles(9, async () => Uint8Array.from(leaves.flatMap((leaf) => [...leaf])));
    const log = { tiles, checkpoint: { origin: "x", size: 9, root: await tiles.root() } };
    const check = (first: number, after: number) => {
      const file = async (path: string) => {
        const from = Math.max(first - 1, Number(/^entries\/(\d+)$/.exec(path)?.[1]));
        return utf8(
          sealed
            .slice(from)
            .map(({ line }) => line)
            .join("\n"),
        );
      };
      return checkLines({ file }, log, after);
    };
    for (const after of [0, 2, 5, 6])
      expect(await check(6, after), `after ${after}`).toMatchObject({ holds: true });
    expect((await check(6, 2)).says).toContain("entries 6 to 9");
    // One more is gone than anybody says.
    for (const after of [0, 2, 5]) {
      const step = await check(7, after);
      expect(step.holds, `after ${after}`).toBe(false);
      expect(step.says).toMatch(
        after === 5 ? "entry 6 is not there" : `entries ${after + 1} to 6 are not there`,
      );
    }
  });

  test("holds its entries, word for word", async () => {
    const log = await checkLog(source(), undefined, "");
    for (const [seq, line] of Object.entries(vectors.entries)) {
      const steps = await checkEntry(line, Number(seq) - 1, log);
      expect(
        steps.every((it) => it.holds),
        seq,
      ).toBe(true);
      const moved = await checkEntry(line, Number(seq) % 700, log);
      expect(moved.at(-1)?.holds).toBe(false);
      const changed = await checkEntry(line.replace("echo", "rm -rf"), Number(seq) - 1, log);
      expect(changed[0]?.holds).toBe(false);
    }
    const [line = ""] = Object.values(vectors.entries);
    expect((await openLine(line)).seq).toBe(1);
    await expect(openLine(line.slice(0, -4))).rejects.toThrow("does not end in its hash");
    // Somebody who makes a new hash for changed words has words that hold, and no place in the tree.
    const forged = line.replace("echo", "exit").replace(/,"hash":.*$/, "");
    const sealed = `${forged},"hash":"sha256:${hex(await sha256(utf8(forged)))}"}`;
    expect((await checkEntry(sealed, 0, log)).map((it) => it.holds)).toEqual([true, false]);
  });

  test("says whose words were taken out, and believes nobody who only claims so", async () => {
    // Two entries, a stub for the first and the entry that made it.
    const seal = async (content: string) => `${content},"hash":"sha256:${hex(await sha256(utf8(content)))}"}`;
    const first = await seal('{"seq":1,"prev":"","at":"","kind":"decision","secret":"x"');
    const { hash } = await openLine(first);
    const stubbed = '{"seq":1,"prev":"","at":"","kind":"redacted","was":"decision"';
    const stub = `${stubbed},"hash":"${hash}"}`;
    const made = `sha256:${hex(await sha256(utf8(stubbed)))}`;
    const redaction = await seal(
      `{"seq":2,"prev":"","at":"","kind":"redaction","entry":1,"of":"${hash}","stub":"${made}"`,
    );
    const leaves = await Promise.all(
      [first, redaction].map(async (line, at) => leafHash(utf8(`${at + 1} ${(await openLine(line)).hash}`))),
    );
    const tiles = new Tiles(2, async () => Uint8Array.from(leaves.flatMap((leaf) => [...leaf])));
    const log = { tiles, checkpoint: { origin: "x", size: 2, root: await tiles.root() } };
    const holds = async (line: string, by?: string) =>
      (await checkEntry(line, 0, log, by)).map((it) => it.holds);
    expect(await holds(first)).toEqual([true, true]);
    expect(await holds(stub, redaction)).toEqual([true, true]);
    expect(await holds(stub)).toEqual([false, true]);
    expect(await holds(stub.replace("decision", "prompt"), redaction)).toEqual([false, true]);
    expect(await holds(stub, redaction.replace("decision", "x").replace('"entry":1', '"entry": 1'))).toEqual([
      false,
      true,
    ]);
  });
});
