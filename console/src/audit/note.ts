// Signed notes (C2SP signed-note) and the checkpoints of logs in them (C2SP tlog-checkpoint).

import { type Bytes, hex, join, same, sha256, unbase64, utf8 } from "./hash";

/** Ed25519 over the text itself. */
const AUTHOR = 1;

export interface Verifier {
  name: string;
  /** The first four bytes of a hash over name and key. */
  id: Bytes;
  key: Bytes;
}

/** Reads `name+hash+key`. Throws where it is not a key. */
export async function readVerifier(text: string): Promise<Verifier> {
  const [name = "", id = "", ...rest] = text.trim().split("+");
  const key = unbase64(rest.join("+"));
  if (key?.length !== 33 || key[0] !== AUTHOR) throw new Error("that is no key of a log");
  const whole = await sha256(utf8(`${name}\n`), key);
  if (!isName(name) || hex(whole.slice(0, 4)) !== id) throw new Error("the key does not belong to its name");
  return { name, id: whole.slice(0, 4), key: key.slice(1) };
}

function isName(name: string): boolean {
  return name !== "" && !/[\s+]/u.test(name);
}

export interface Note {
  text: string;
  signatures: { name: string; bytes: Bytes }[];
}

/** Takes a note apart. Throws where it is not one. */
export function readNote(note: string): Note {
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n")) throw new Error("that is no signed note");
  const lines = note.slice(end + 2, -1).split("\n");
  const signatures = lines.map((line) => {
    const parts = /^— ([^\s+]+) (\S+)$/u.exec(line);
    const bytes = unbase64(parts?.[2] ?? "");
    if (!parts?.[1] || !bytes || bytes.length < 5) throw new Error("a signature of the note cannot be read");
    return { name: parts[1], bytes };
  });
  return { text: note.slice(0, end + 1), signatures };
}

/** Whether the owner of this key has signed the text. */
export async function isSigned(note: Note, by: Verifier): Promise<boolean> {
  const key = await crypto.subtle.importKey("raw", by.key, { name: "Ed25519" }, false, ["verify"]);
  for (const { name, bytes } of note.signatures) {
    if (name !== by.name || !same(bytes.slice(0, 4), by.id)) continue;
    if (await crypto.subtle.verify({ name: "Ed25519" }, key, bytes.slice(4), utf8(note.text))) return true;
  }
  return false;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
}

/** What a note says as a checkpoint. Throws where it is none. */
export function readCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", root = ""] = text.split("\n");
  const hash = unbase64(root);
  const count = Number(size);
  if (!origin || !/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(count) || hash?.length !== 32) {
    throw new Error("that is no checkpoint of a log");
  }
  return { origin, size: count, root: hash };
}

/** A key as it is compared by people. */
export function fingerprint(verifier: Verifier): string {
  return hex(join(verifier.id, verifier.key.slice(0, 8)));
}
