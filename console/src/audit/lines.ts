// The log itself, line by line: that what lies on the disk is what was signed.

import { same, utf8 } from "./hash";
import { isIncluded, leafHash, type Tiles } from "./tree";
import { type Log, type Opened, openLine, type Source, type Step } from "./verify";

/** So many problems are told, and the rest is counted by whoever mends them. */
const TOLD = 4;

const WIDTH = 256;

/** What stands in the place of an entry whose words were taken out, and who says so. */
const STUB = "redacted";

interface Line extends Opened {
  prev: string;
  entry: Record<string, unknown>;
}

/**
 * Checks every entry after number `after` that was signed for: its words against its hash, its hash against the signed
 * tree and against the entry that follows. Entries that are not there, or have no words any more, must be named by
 * an entry that is.
 */
export async function checkLines(
  source: Source,
  log: Pick<Log, "checkpoint" | "tiles">,
  after: number,
  done: (share: number) => void = () => undefined,
  isStopped: () => boolean = () => false,
): Promise<Step> {
  const { size } = log.checkpoint;
  const problems: string[] = [];
  const stubs: Line[] = [];
  const said = new Map<number, Line>();
  const removed = new Map<number, unknown>();
  let gone: Line | undefined;
  let before: { seq: number; hash: string | undefined } = { seq: after, hash: undefined };
  const leaves = new Leaves(log);
  reading: while (before.seq < size && problems.length < TOLD) {
    const from = before.seq;
    for (const text of await batch(source, from)) {
      const line = await read(text);
      if (!line) {
        problems.push(`what follows entry ${before.seq} cannot be read`);
        break reading;
      }
      if (line.seq > size) break reading;
      const isFirst = before.hash === undefined;
      if (isFirst && line.seq > after + 1) gone = line;
      else if (line.seq !== before.seq + 1) problems.push(missing(before.seq + 1, line.seq - 1));
      else if (!isFirst && line.prev !== before.hash)
        problems.push(`entry ${line.seq} does not follow the one before`);
      before = line;
      if (!(await leaves.has(line))) problems.push(`entry ${line.seq} is not the one that was signed`);
      else if (line.kind === STUB && !line.holds) stubs.push(line);
      else if (!line.holds) problems.push(`entry ${line.seq}: its words are not what its hash was made of`);
      else note(line, said, removed);
      if (isStopped()) break reading;
    }
    done((before.seq - after) / Math.max(1, size - after));
    if (before.seq === from) break;
  }
  if (isStopped()) return { name: "words", holds: false, says: `stopped at entry ${before.seq}` };
  if (before.seq < size && problems.length === 0) problems.push(missing(before.seq + 1, size));
  for (const stub of stubs) {
    const by = said.get(stub.seq);
    if (by?.entry.of !== stub.hash || by.entry.stub !== stub.madeOf) {
      problems.push(`the words of entry ${stub.seq} were taken out, and no entry says so`);
    }
  }
  if (gone && removed.get(gone.seq - 1) !== gone.prev) problems.push(missing(after + 1, gone.seq - 1));
  if (problems.length > 0) {
    const more = problems.length > TOLD ? "; and more" : "";
    return { name: "words", holds: false, says: problems.slice(0, TOLD).join("; ") + more };
  }
  const first = gone?.seq ?? after + 1;
  const which = first > 1 ? `entries ${first.toLocaleString()} to ${size.toLocaleString()}` : "every entry";
  const notes = [
    gone && `entries 1 to ${(gone.seq - 1).toLocaleString()} were kept long enough, on record`,
    stubs.length > 0 && `the words of ${stubs.length.toLocaleString()} were taken out, on record`,
  ];
  const says = [`${which}, as signed, word for word`, ...notes.filter((it) => it)].join("; ");
  return { name: "words", holds: true, says };
}

const missing = (first: number, last: number): string =>
  first >= last ? `entry ${first} is not there` : `entries ${first} to ${last} are not there`;

/** Some of the lines after this number, as they stand in the log. */
async function batch(source: Source, after: number): Promise<string[]> {
  const text = new TextDecoder().decode(await source.file(`entries/${after}`));
  return text.split("\n").filter((line) => line !== "");
}

async function read(text: string): Promise<Line | undefined> {
  try {
    const opened = await openLine(text);
    const entry = JSON.parse(text) as Record<string, unknown>;
    return Number.isSafeInteger(opened.seq) ? { ...opened, entry, prev: String(entry.prev) } : undefined;
  } catch {
    return undefined;
  }
}

/** What an entry says of others. */
function note(line: Line, said: Map<number, Line>, removed: Map<number, unknown>): void {
  if (line.kind === "redaction") said.set(Number(line.entry.entry), line);
  if (line.kind === "pruned" && Array.isArray(line.entry.segments)) {
    for (const { last } of line.entry.segments) removed.set(Number(last?.seq), last?.hash);
  }
}

/** The leaves of the tree, each tile shown to be in it once. */
class Leaves {
  private readonly tiles: Tiles;
  private shown: number | undefined;

  constructor(private readonly log: Pick<Log, "checkpoint" | "tiles">) {
    this.tiles = log.tiles;
  }

  async has({ seq, hash }: Opened): Promise<boolean> {
    const index = seq - 1;
    if (index < 0 || index >= this.log.checkpoint.size) return false;
    const tile = Math.floor(index / WIDTH);
    // The proof of one leaf is over all others of its tile.
    if (tile !== this.shown && !(await this.isIn(index))) return false;
    this.shown = tile;
    return same(await leafHash(utf8(`${seq} ${hash}`)), await this.tiles.at(0, index));
  }

  private async isIn(index: number): Promise<boolean> {
    const { size, root } = this.log.checkpoint;
    const leaf = await this.tiles.at(0, index);
    return isIncluded(leaf, index, size, await this.tiles.inclusion(index), root);
  }
}
