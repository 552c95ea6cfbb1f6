import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import styles from "../parts/parts.module.css";
import { Problem } from "../parts/States";
import shell from "./shell.module.css";

/** The token of an address that was opened, taken out of the address at once. */
export function takeToken(): string | undefined {
  const { location, history } = window;
  const inSearch = new URLSearchParams(location.search);
  const inHash = new URLSearchParams(location.hash.split("?", 2)[1] ?? location.hash.replace(/^#\/?/, ""));
  const token = inSearch.get("token") ?? inHash.get("token") ?? undefined;
  if (token !== undefined) history.replaceState(null, "", location.pathname);
  return token;
}

export function Login({ done, problem }: { done: () => void; problem: unknown }) {
  const [token, setToken] = useState("");
  const login = useMutation({ mutationFn: () => api.login(token.trim()), onSuccess: done });
  return (
    <main className={shell.login}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          login.mutate();
        }}
      >
        <h1>Ringfence</h1>
        <p>
          Open the address that <code>ringfence serve</code> printed, or enter its token. A token opens once,
          for twelve hours. Start <code>ringfence serve</code> again for another: meanwhile agents are decided
          by their hooks, and nothing is lost.
        </p>
        <label className={styles.field}>
          Token
          <input
            value={token}
            type="password"
            autoComplete="off"
            required
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        <Problem error={login.error ?? problem} />
        <button type="submit" className={`${styles.button} ${styles.primary}`} disabled={login.isPending}>
          Open
        </button>
      </form>
    </main>
  );
}
