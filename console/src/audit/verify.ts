// What this browser finds out by itself: that the log is signed, that it only grew since it was last looked
// at here, and that an entry is in it, word for word.

import { type Bytes, base64, hex, same, sha256, unbase64, utf8 } from "./hash";
import { type Checkpoint, fingerprint, isSigned, readCheckpoint, readNote, readVerifier } from "./note";
import { isConsistent, isIncluded, leafHash, Tiles } from "./tree";

/** Where files of the log come from. */
export interface Source {
  file(path: string): Promise<Uint8Array>;
}

/** What is kept from one look to the next. */
export interface Memory {
  key: string;
  size: number;
  root: string;
  at: string;
}

export interface Step {
  name: string;
  holds: boolean;
  /** What was found, for people. */
  says: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

export interface Log {
  steps: Step[];
  checkpoint: Checkpoint;
  tiles: Tiles;
  /** What to remember; only there where all holds. */
  memory: Memory | undefined;
}

/** Checks the checkpoint: who signed it, whether the tiles lead to it, and whether it continues what is remembered. */
export async function checkLog(source: Source, before: Memory | undefined, now: string): Promise<Log> {
  const keyText = decoder.decode(await source.file("key")).trim();
  const key = await readVerifier(keyText);
  const note = readNote(decoder.decode(await source.file("checkpoint")));
  const checkpoint = readCheckpoint(note.text);
  const steps: Step[] = [];
  const sameKey = before === undefined || before.key === keyText;
  steps.push({
    name: "key",
    holds: sameKey && key.name === checkpoint.origin,
    says: sameKey
      ? `${fingerprint(key)}${before ? ", as this browser knows it" : ", seen here for the first time"}`
      : "it is another key than the one that this browser knows",
  });
  const signed = await isSigned(note, key);
  steps.push({
    name: "signature",
    holds: signed,
    says: signed ? `Ed25519, over ${checkpoint.size} entries` : "the checkpoint is not signed by this key",
  });
  const tiles = new Tiles(checkpoint.size, (path) => source.file(path));
  const root = same(await tiles.root(), checkpoint.root);
  steps.push({
    name: "tree",
    holds: root,
    says: root
      ? `the tiles lead to root ${hex(checkpoint.root).slice(0, 16)}…`
      : "the tiles lead to another root",
  });
  if (before) steps.push(await grown(before, checkpoint, tiles));
  const memory = { key: keyText, size: checkpoint.size, root: base64(checkpoint.root), at: now };
  return { steps, checkpoint, tiles, memory: steps.every((it) => it.holds) ? memory : undefined };
}

async function grown(before: Memory, checkpoint: Checkpoint, tiles: Tiles): Promise<Step> {
  const name = "growth";
  const root = unbase64(before.root);
  if (!root) return { name, holds: false, says: "what this browser remembers cannot be read" };
  if (before.size > checkpoint.size) {
    const says = `the log has ${checkpoint.size} entries and had ${before.size}: some were taken away`;
    return { name, holds: false, says };
  }
  const proof = before.size === checkpoint.size ? [] : await tiles.consistency(before.size);
  const holds = await isConsistent({ size: before.size, root }, checkpoint, proof);
  const says = holds
    ? `all ${before.size} entries known here are unchanged; ${checkpoint.size - before.size} new`
    : "what was in the log when this browser last looked is not in it any more";
  return { name, holds, says };
}

export interface Opened {
  seq: number;
  kind: string;
  /** What the words hash to, and what they say that they do. */
  madeOf: string;
  hash: string;
  holds: boolean;
}

/** Takes the line of an entry apart, as the log sealed it: what its hash is over, and the hash. */
export async function openLine(line: string): Promise<Opened> {
  const seal = line.trimEnd().lastIndexOf(',"hash":"');
  const hash = /^,"hash":"(sha256:[0-9a-f]{64})"\}$/.exec(line.trimEnd().slice(Math.max(seal, 0)))?.[1];
  if (seal < 0 || !hash) throw new Error("the entry does not end in its hash");
  const content = line.slice(0, seal);
  const entry = JSON.parse(line) as { seq?: unknown; kind?: unknown };
  const madeOf = `sha256:${hex(await sha256(utf8(content)))}`;
  return { seq: Number(entry.seq), kind: String(entry.kind), madeOf, hash, holds: madeOf === hash };
}

/** What stands in the place of an entry whose words were taken out. */
const STUB = "redacted";

/**
 * Checks that an entry is what its hash was made of, and that the signed tree holds it. `index` is from zero. Where
 * its words were taken out, `takenOut` is the line of the entry that says so, if there is one.
 */
export async function checkEntry(
  line: string,
  index: number,
  log: Pick<Log, "checkpoint" | "tiles">,
  takenOut?: string,
): Promise<Step[]> {
  const opened = await openLine(line);
  if (opened.kind === STUB && !opened.holds) {
    return [await checkStub(opened, log, takenOut), await checkPlace(opened, index, log)];
  }
  const says = opened.holds
    ? `they make ${opened.hash.slice(0, 23)}…`
    : "they are not what the hash was made of";
  return [{ name: "words", holds: opened.holds, says }, await checkPlace(opened, index, log)];
}

async function checkStub(
  stub: Opened,
  log: Pick<Log, "checkpoint" | "tiles">,
  takenOut?: string,
): Promise<Step> {
  const name = "words";
  if (takenOut === undefined) {
    return { name, holds: false, says: "they were taken out, and no entry of the log says so" };
  }
  const said = JSON.parse(takenOut) as { seq?: unknown; entry?: unknown; of?: unknown; stub?: unknown };
  const [words, place] = await checkEntry(takenOut, Number(said.seq) - 1, log);
  const agrees = said.entry === stub.seq && said.of === stub.hash && said.stub === stub.madeOf;
  const holds = agrees && words?.holds === true && place?.holds === true;
  const says = holds
    ? `they were taken out, as entry ${Number(said.seq)} says, which is in the log`
    : "they were taken out otherwise than the log says";
  return { name, holds, says };
}

async function checkPlace(
  opened: Opened,
  index: number,
  log: Pick<Log, "checkpoint" | "tiles">,
): Promise<Step> {
  const name = "in the tree";
  const { checkpoint, tiles } = log;
  if (!(index >= 0 && index < checkpoint.size)) {
    const says = `nobody has signed for it yet: the checkpoint ends at entry ${checkpoint.size}`;
    return { name, holds: false, says };
  }
  const leaf: Bytes = await leafHash(utf8(`${opened.seq} ${opened.hash}`));
  const proof = await tiles.inclusion(index);
  const holds =
    opened.seq === index + 1 && (await isIncluded(leaf, index, checkpoint.size, proof, checkpoint.root));
  const says = holds
    ? `by ${proof.length} hashes, from ${tiles.fetched} tiles`
    : "the signed tree has another entry in this place";
  return { name, holds, says };
}
