import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Connection, listen, Messages } from "../src/api/live";
import type { Entry } from "../src/api/types";

describe("a stream", () => {
  test("is put together wherever it is cut", () => {
    const text = ': hello\n\nid: 7\nevent: entry\ndata: {"a":\ndata: 1}\n\ndata: x\r\n\r\n';
    const whole = new Messages().push(text);
    expect(whole).toEqual([
      { id: "7", event: "entry", data: '{"a":\n1}' },
      { id: "7", event: "message", data: "x" },
    ]);
    for (let cut = 1; cut < text.length; cut++) {
      const messages = new Messages();
      expect([...messages.push(text.slice(0, cut)), ...messages.push(text.slice(cut))], `${cut}`).toEqual(
        whole,
      );
    }
  });
});

describe("listening", () => {
  let server: Server;
  let stop: (() => void) | undefined;

  afterEach(() => {
    stop?.();
    vi.unstubAllGlobals();
    server.closeAllConnections();
    server.close();
  });

  const serve = (answer: (after: number, send: (seq: number) => void, end: () => void) => void) =>
    new Promise<void>((resolve) => {
      server = createServer((request, response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        const send = (seq: number) =>
          response.write(`id: ${seq}\nevent: entry\ndata: ${JSON.stringify({ seq, at: "", kind: "x" })}\n\n`);
        answer(Number(request.headers["last-event-id"]), send, () => response.destroy());
      }).listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        const fetched = globalThis.fetch;
        vi.stubGlobal("fetch", (path: string, init: RequestInit) =>
          fetched(`http://127.0.0.1:${port}${path}`, init),
        );
        resolve();
      });
    });

  test("goes on where it was cut off: nothing is missed, and nothing comes twice", async () => {
    const asked: number[] = [];
    await serve((after, send, end) => {
      asked.push(after);
      // The first connection breaks after three; the next ones say one again that was sent.
      for (let seq = Math.max(1, after); seq <= after + 3; seq++) send(seq);
      setTimeout(end, 20);
    });
    const seen: number[] = [];
    const states: Connection["state"][] = [];
    await new Promise<void>((resolve) => {
      const entries = (batch: Entry[]) => {
        seen.push(...batch.map((it) => it.seq));
        if (seen.length >= 9) resolve();
      };
      const connection = (it: Connection) => states.push(it.state);
      ({ stop } = listen(10, { entries, connection, state: () => undefined }));
    });
    expect(seen.slice(0, 9)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(asked.slice(0, 3)).toEqual([10, 13, 16]);
    expect(states.slice(0, 4)).toEqual(["connecting", "live", "lost", "live"]);
  });

  test("stops, and says so, when it is not let in", async () => {
    server = createServer((_, response) => void response.writeHead(401).end());
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const fetched = globalThis.fetch;
    vi.stubGlobal("fetch", (path: string) => fetched(`http://127.0.0.1:${port}${path}`));
    const last = await new Promise<Connection>((resolve) => {
      const connection = (it: Connection) => it.state !== "connecting" && resolve(it);
      ({ stop } = listen(0, { entries: () => undefined, connection, state: () => undefined }));
    });
    expect(last).toEqual({ state: "refused", status: 401 });
  });

  test("passes over what cannot be read, and is not stopped by it", async () => {
    server = createServer((_, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write('id: 1\nevent: entry\ndata: {"torn\n\nevent: state\ndata: nonsense\n\n');
      response.write(
        'id: 2\nevent: entry\ndata: null\n\nid: 3\nevent: entry\ndata: {"seq":3,"at":"","kind":"x"}\n\n',
      );
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const fetched = globalThis.fetch;
    vi.stubGlobal("fetch", (path: string, init: RequestInit) =>
      fetched(`http://127.0.0.1:${port}${path}`, init),
    );
    const seen = await new Promise<Entry[]>((resolve) => {
      ({ stop } = listen(0, { entries: resolve, connection: () => undefined, state: () => undefined }));
    });
    expect(seen.map((it) => it.seq)).toEqual([3]);
  });

  test("takes many in brief at once, and goes on behind the last of them", async () => {
    const asked: string[] = [];
    server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers["last-event-id"]}`);
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      const of = (...seqs: number[]) => JSON.stringify(seqs.map((seq) => ({ seq, at: "", kind: "x" })));
      if (asked.length === 1) {
        response.write(`id: 3\nevent: brief\ndata: ${of(1, 2, 3)}\n\n`);
        setTimeout(() => response.destroy(), 20);
      } else response.write(`id: 5\nevent: brief\ndata: ${of(3, 4, 5)}\n\n`);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const fetched = globalThis.fetch;
    vi.stubGlobal("fetch", (path: string, init: RequestInit) =>
      fetched(`http://127.0.0.1:${port}${path}`, init),
    );
    const seen: Entry[] = [];
    await new Promise<void>((resolve) => {
      const entries = (batch: Entry[]) => {
        seen.push(...batch);
        if (seen.length >= 5) resolve();
      };
      ({ stop } = listen(0, { entries, connection: () => undefined, state: () => undefined }));
    });
    expect(seen.map((it) => it.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(seen.every((it) => it.brief)).toBe(true);
    expect(asked).toEqual(["/api/v1/live?brief=true 0", "/api/v1/live?brief=true 3"]);
  });
});
