// The Merkle tree over the log (RFC 9162, section 2.1), from the tiles in which its hashes are handed out
// (C2SP tlog-tiles). The same as the program itself has, written a second time.

import { type Bytes, same, sha256 } from "./hash";

const WIDTH = 256;
const HEIGHT = 8;

export const leafHash = (content: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(0), content);
export const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> =>
  sha256(Uint8Array.of(1), left, right);

/** The path of a tile of a tree of this size. */
export function tilePath(level: number, index: number, size: number): string {
  const filled = Math.floor(size / WIDTH ** level) - index * WIDTH;
  let name = String(index % 1_000).padStart(3, "0");
  for (let rest = Math.floor(index / 1_000); rest > 0; rest = Math.floor(rest / 1_000)) {
    name = `x${String(rest % 1_000).padStart(3, "0")}/${name}`;
  }
  return `tile/${level}/${name}${filled < WIDTH ? `.p/${filled}` : ""}`;
}

/** The hashes of a tree of one size, each tile fetched once. */
export class Tiles {
  private readonly known = new Map<string, Promise<Bytes[]>>();
  /** How many tiles were needed. */
  get fetched(): number {
    return this.known.size;
  }

  constructor(
    readonly size: number,
    private readonly fetchTile: (path: string) => Promise<Uint8Array>,
  ) {}

  private tile(level: number, index: number): Promise<Bytes[]> {
    const path = tilePath(level, index, this.size);
    const known = this.known.get(path) ?? this.read(path, level, index);
    this.known.set(path, known);
    return known;
  }

  private async read(path: string, level: number, index: number): Promise<Bytes[]> {
    const bytes = await this.fetchTile(path);
    const count = Math.min(WIDTH, Math.floor(this.size / WIDTH ** level) - index * WIDTH);
    if (bytes.length < count * 32) throw new Error(`${path} is too short`);
    return Array.from({ length: count }, (_, at) => bytes.slice(at * 32, at * 32 + 32) as Bytes);
  }

  /** The hash of the complete subtree of 2^level leaves that begins at leaf index · 2^level. */
  async at(level: number, index: number): Promise<Bytes> {
    const within = level % HEIGHT;
    const first = index * 2 ** within;
    const hashes = await this.tile(Math.floor(level / HEIGHT), Math.floor(first / WIDTH));
    const from = first % WIDTH;
    return fold(hashes.slice(from, from + 2 ** within));
  }

  /** The hash of the leaves from begin up to end, as they stand in a tree. */
  private async range(begin: number, end: number): Promise<Bytes> {
    const count = end - begin;
    const level = Math.log2(count);
    if (Number.isInteger(level) && begin % count === 0) return this.at(level, begin / count);
    const middle = begin + split(count);
    return nodeHash(await this.range(begin, middle), await this.range(middle, end));
  }

  async root(): Promise<Bytes> {
    return this.size === 0 ? sha256() : this.range(0, this.size);
  }

  /** The hashes beside the way from a leaf to the root. */
  async inclusion(index: number): Promise<Bytes[]> {
    let [begin, end] = [0, this.size];
    const proof: Bytes[] = [];
    while (end - begin > 1) {
      const middle = begin + split(end - begin);
      if (index < middle) {
        proof.push(await this.range(middle, end));
        end = middle;
      } else {
        proof.push(await this.range(begin, middle));
        begin = middle;
      }
    }
    return proof.reverse();
  }

  /** The hashes that lead from the root of a smaller tree to this one's. */
  async consistency(old: number): Promise<Bytes[]> {
    let [begin, end, whole] = [0, this.size, true];
    const proof: Bytes[] = [];
    if (old === 0) return proof;
    while (old !== end) {
      const middle = begin + split(end - begin);
      if (old <= middle) {
        proof.push(await this.range(middle, end));
        end = middle;
      } else {
        proof.push(await this.range(begin, middle));
        begin = middle;
        whole = false;
      }
    }
    if (!whole) proof.push(await this.range(begin, end));
    return proof.reverse();
  }
}

/** How many of so many leaves, two at least, are in the left subtree. */
function split(count: number): number {
  let left = 1;
  while (left * 2 < count) left *= 2;
  return left;
}

async function fold(hashes: Bytes[]): Promise<Bytes> {
  const [first] = hashes;
  if (!first) throw new Error("a hash of the tree is missing");
  if (hashes.length === 1) return first;
  const half = hashes.length / 2;
  return nodeHash(await fold(hashes.slice(0, half)), await fold(hashes.slice(half)));
}

/** Whether the proof leads from this leaf to this root. */
export async function isIncluded(
  leaf: Bytes,
  index: number,
  size: number,
  proof: Bytes[],
  root: Bytes,
): Promise<boolean> {
  if (!(index >= 0 && index < size)) return false;
  let [at, last, hash] = [index, size - 1, leaf];
  for (const beside of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = await nodeHash(beside, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      hash = await nodeHash(hash, beside);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && same(hash, root);
}

/** Whether the proof shows that the new tree begins with all of the old one. */
export async function isConsistent(
  old: { size: number; root: Bytes },
  young: { size: number; root: Bytes },
  proof: Bytes[],
): Promise<boolean> {
  if (old.size === young.size) return proof.length === 0 && same(old.root, young.root);
  if (old.size === 0 || old.size > young.size) return old.size === 0 && proof.length === 0;
  const rest = [...proof];
  let [at, last] = [old.size - 1, young.size - 1];
  const isPower = Number.isInteger(Math.log2(old.size));
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  const start = isPower ? old.root : rest.shift();
  if (!start) return false;
  let [oldHash, youngHash] = [start, start];
  for (const beside of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      oldHash = await nodeHash(beside, oldHash);
      youngHash = await nodeHash(beside, youngHash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      youngHash = await nodeHash(youngHash, beside);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && same(oldHash, old.root) && same(youngHash, young.root);
}
