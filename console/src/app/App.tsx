import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect, useState } from "react";
import { api, Refused } from "../api/client";
import type { Connection } from "../api/live";
import type { Hold } from "../api/types";
import { span } from "../model/time";
import { pages } from "../pages";
import { Dialog } from "../parts/Dialog";
import { Intervene, nameOfHold, Release } from "../parts/Intervene";
import styles from "../parts/parts.module.css";
import { Failed, Guarded, Loading } from "../parts/States";
import { Visible } from "../parts/Text";
import { Toasts } from "../parts/toast";
import { Passkeys } from "./Enrol";
import { Icon } from "./icons";
import { useKeyList, useKeys } from "./keys";
import { Login, takeToken } from "./Login";
import { useMe } from "./me";
import { address, go, PAGES, type Page, useRoute } from "./route";
import shell from "./shell.module.css";
import { holdsNow, start, useLive } from "./store";
import { useTheme } from "./theme";

const token = takeToken();
let used: Promise<void> | undefined;

/** The token of the address opens once, however often this is drawn. */
function logInOnce(): Promise<void> {
  used ??= token === undefined ? Promise.resolve() : api.login(token).catch(() => undefined);
  return used;
}

export function App() {
  const queries = useQueryClient();
  const me = useQuery({
    queryKey: ["me"],
    queryFn: async () => {
      await logInOnce();
      return api.me();
    },
    retry: (failures, error) => error instanceof Refused && error.status === 0 && failures < 2,
    staleTime: 30_000,
  });
  if (me.isPending) return <Loading what="the console" />;
  if (me.error instanceof Refused && [401, 403].includes(me.error.status)) {
    return <Login done={() => queries.resetQueries()} problem={token === undefined ? undefined : me.error} />;
  }
  if (me.error && !me.data) return <Failed error={me.error} again={() => void me.refetch()} />;
  return <Shell />;
}

/** Listens as long as the console is open, from what is newest now. */
function useStream(): void {
  const queries = useQueryClient();
  useEffect(() => {
    let stop: (() => void) | undefined;
    let gone = false;
    const begin = async () => {
      const { last } = await api.events({ limit: 1 }).catch(() => ({ last: 0 }));
      if (gone) return;
      stop = start(last, () => {
        for (const name of ["approvals", "holds", "sessions", "session"]) {
          void queries.invalidateQueries({ queryKey: [name] });
        }
      });
    };
    void begin();
    return () => {
      gone = true;
      stop?.();
    };
  }, [queries]);
}

type Asking = "help" | "enrol" | "intervene" | undefined;

function Shell() {
  useStream();
  const { page } = useRoute();
  const [asking, ask] = useState<Asking>();
  const [theme, nextTheme] = useTheme();
  useKeys([
    ...PAGES.map((it) => ({
      keys: `g ${letterOf(it)}`,
      does: `go to ${titleOf(it)}`,
      run: () => go(address(it)),
    })),
    { keys: "?", does: "show what keys do", run: () => ask("help") },
    { keys: "P", does: "step in: all sessions", run: () => ask("intervene") },
  ]);
  useEffect(() => {
    document.title = `${titleOf(page)} · Ringfence`;
  }, [page]);
  const { body: Body } = pages[page];
  return (
    <div className={shell.shell}>
      <button type="button" className="skip" onClick={skip}>
        skip to the page
      </button>
      <header className={shell.side}>
        <div className={shell.brand}>
          <img src="/icon.svg" alt="" />
          <span>Ringfence</span>
        </div>
        <nav aria-label="pages">
          <ul>
            {PAGES.map((it) => (
              <li key={it}>
                <PageLink page={it} here={it === page} />
              </li>
            ))}
          </ul>
        </nav>
        <div className={shell.foot}>
          <button
            type="button"
            className={`${shell.tool} ${shell.stop}`}
            title="Step in (P)"
            onClick={() => ask("intervene")}
          >
            <Icon of="stop" />
            <span>Step in…</span>
          </button>
          <PasskeyButton open={() => ask("enrol")} />
          <button type="button" className={shell.tool} title="Colours" onClick={nextTheme}>
            <Icon of="theme" />
            <span>{theme === "system" ? "As the system" : theme === "light" ? "Light" : "Dark"}</span>
          </button>
          <button type="button" className={shell.tool} title="Keys (?)" onClick={() => ask("help")}>
            <Icon of="help" />
            <span>Keys</span>
          </button>
          <ConnectionState />
        </div>
      </header>
      <div className={shell.banner}>
        <Lost />
        <Held />
      </div>
      <main className={shell.page} id="page" tabIndex={-1} aria-label={titleOf(page)}>
        <Guarded key={page}>
          <Suspense fallback={<Loading what={titleOf(page)} />}>
            <Body />
          </Suspense>
        </Guarded>
      </main>
      {asking === "help" && <Help close={() => ask(undefined)} />}
      {asking === "enrol" && <Passkeys close={() => ask(undefined)} />}
      {asking === "intervene" && <Intervene session={null} close={() => ask(undefined)} />}
      <Toasts />
    </div>
  );
}

function skip(): void {
  document.getElementById("page")?.focus();
}

const titleOf = (page: Page): string => page.charAt(0).toUpperCase() + page.slice(1);
/** The first letter, but for approvals and audit, of which one has it. */
const LETTERS: Partial<Record<Page, string>> = { approvals: "a", agents: "n", audit: "u" };
const letterOf = (page: Page): string => LETTERS[page] ?? page.charAt(0);

function PageLink({ page, here }: { page: Page; here: boolean }) {
  const counted = useLive((live) => live.approvals);
  // All that waits, whoever is shown it.
  const queue = useQuery({ queryKey: ["approvals"], queryFn: api.approvals, enabled: !!counted });
  const waiting = counted ? (queue.data?.pending ?? counted) : counted;
  return (
    <a
      className={shell.link}
      href={address(page)}
      title={`${titleOf(page)} (g ${letterOf(page)})`}
      aria-current={here ? "page" : undefined}
    >
      <Icon of={page} />
      <span>{titleOf(page)}</span>
      {page === "approvals" && !!waiting && (
        <span className={shell.count}>
          {waiting}
          <span className="only-read"> waiting</span>
        </span>
      )}
    </a>
  );
}

function PasskeyButton({ open }: { open: () => void }) {
  const { me } = useMe();
  return (
    <button type="button" className={shell.tool} title="Who may change something" onClick={open}>
      <Icon of="passkey" />
      <span>{me?.passkeys ? `Passkeys: ${me.passkeys}` : "Passkey"}</span>
    </button>
  );
}

const WORDS: Record<Connection["state"], string> = {
  connecting: "connecting",
  live: "live",
  lost: "not connected",
  refused: "logged out",
};

function ConnectionState() {
  const { state } = useLive((live) => live.connection);
  return (
    <p className={shell.connection} role="status" title={WORDS[state]}>
      <span className={shell.dot} data-state={state} aria-hidden="true" />
      <span>{WORDS[state]}</span>
    </p>
  );
}

function Lost() {
  const connection = useLive((live) => live.connection);
  const [, tick] = useState(0);
  const lost = connection.state === "lost";
  useEffect(() => {
    if (!lost) return;
    const timer = setInterval(() => tick((it) => it + 1), 1_000);
    return () => clearInterval(timer);
  }, [lost]);
  if (connection.state === "refused") {
    return (
      <p className={shell.lost} role="alert">
        You are logged out. <a href="/">Log in again</a>
      </p>
    );
  }
  if (connection.state !== "lost") return null;
  const seconds = (Date.now() - connection.since) / 1_000;
  if (seconds < 1.5) return null;
  return (
    <p className={shell.lost} role="alert">
      No connection for {span(seconds)}. Agents are still decided by their hooks; nothing is lost, and what
      you see here is as of then.
    </p>
  );
}

function Held() {
  const holds = useLive(holdsNow);
  const { data } = useQuery({ queryKey: ["holds"], queryFn: api.holds });
  const [releasing, release] = useState<Hold>();
  const all = holds.length > 0 ? holds : (data?.holds ?? []);
  return (
    <>
      {all.slice(0, 3).map((hold) => (
        <div key={hold.id} className={shell.held}>
          <b>{nameOfHold(hold.kind)}</b>
          <span>
            {hold.session === null ? "all sessions" : <Visible text={hold.session} />}:{" "}
            <Visible text={hold.reason} />{" "}
            <span className={styles.note}>(by {<Visible text={hold.by} />})</span>
          </span>
          {hold.kind !== "kill" && (
            <button type="button" className={styles.button} onClick={() => release(hold)}>
              Release…
            </button>
          )}
        </div>
      ))}
      {all.length > 3 && <div className={shell.held}>and {all.length - 3} more</div>}
      {releasing && <Release hold={releasing} close={() => release(undefined)} />}
    </>
  );
}

function Help({ close }: { close: () => void }) {
  const keys = useKeyList();
  return (
    <Dialog title="Keys" close={close}>
      <div className={shell.keys}>
        {keys.map((it) => (
          <div key={it.keys}>
            <span>{it.does}</span>
            <kbd className={styles.key}>{it.keys}</kbd>
          </div>
        ))}
      </div>
      <div className={styles.choices}>
        <button type="button" className={styles.button} onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
