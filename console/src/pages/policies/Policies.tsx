import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useRef, useState } from "react";
import { api } from "../../api/client";
import type { Policies as Bundle, PolicyRule } from "../../api/types";
import { useKeys } from "../../app/keys";
import { address, go, useRoute } from "../../app/route";
import parts from "../../parts/parts.module.css";
import { Scroll } from "../../parts/Scroll";
import { Empty, Failed, Loading } from "../../parts/States";
import { Visible } from "../../parts/Text";
import pages from "../pages.module.css";
import styles from "./policies.module.css";

// The editor is only loaded by who edits.
const Own = lazy(() => import("./Own"));

export default function Policies() {
  const query = useQuery({ queryKey: ["policies"], queryFn: api.policies });
  const { id } = useRoute();
  const [wanted, want] = useState("");
  const search = useRef<HTMLInputElement>(null);
  useKeys([
    { keys: "/", does: "search rules", run: () => search.current?.focus() },
    {
      keys: "e",
      does: "edit your own rules",
      run: () => go(address("policies", `own:${query.data?.own[0]?.name ?? NEW}`)),
    },
  ]);
  const { data } = query;
  return (
    <>
      <div className={pages.bar}>
        <h1>Policies</h1>
        <input
          ref={search}
          type="search"
          aria-label="search rules"
          placeholder="Search rules  /"
          value={wanted}
          onChange={(event) => want(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
        />
        {data && (
          <span className={`${parts.note} ${pages.grow}`}>
            preset {data.preset} · bundle <code>{data.bundle.slice(0, 19)}</code>
          </span>
        )}
      </div>
      {query.isPending && <Loading what="rules" />}
      {query.error && !data && <Failed error={query.error} again={() => void query.refetch()} />}
      {data && (
        <div className={styles.page}>
          <Menu bundle={data} open={id} />
          {id.startsWith("own:") ? (
            <Suspense fallback={<Loading what="the editor" />}>
              <Own key={id} name={id.slice(4)} text={data.own.find((it) => it.name === id.slice(4))?.text} />
            </Suspense>
          ) : (
            <Rules bundle={data} pack={id} wanted={wanted} />
          )}
        </div>
      )}
    </>
  );
}

/** `policies/packs/git/rules.cedar` is the pack `git`. */
const shortOf = (name: string) => /^policies\/packs\/([^/]+)\//.exec(name)?.[1] ?? name;

const NEW = "mine.toml";

function Menu({ bundle, open }: { bundle: Bundle; open: string }) {
  const own = bundle.own.length > 0 ? bundle.own.map((it) => it.name) : [NEW];
  return (
    <nav className={styles.menu} aria-label="packs of rules">
      <h2>Your own</h2>
      {own.map((name) => (
        <a
          key={name}
          href={address("policies", `own:${name}`)}
          aria-current={open === `own:${name}` || undefined}
        >
          <Visible text={name} />
          {bundle.own.length === 0 && <span className={styles.of}>new</span>}
        </a>
      ))}
      <h2>Built in</h2>
      <a href={address("policies")} aria-current={open === "" || undefined}>
        every pack{" "}
        <span className={styles.of}>{bundle.packs.reduce((sum, pack) => sum + pack.rules.length, 0)}</span>
      </a>
      {bundle.packs.map((pack) => (
        <a
          key={pack.name}
          href={address("policies", pack.name)}
          aria-current={open === pack.name || undefined}
        >
          <Visible text={shortOf(pack.name)} /> <span className={styles.of}>{pack.rules.length}</span>
        </a>
      ))}
    </nav>
  );
}

function Rules({ bundle, pack, wanted }: { bundle: Bundle; pack: string; wanted: string }) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const rules = bundle.packs
    .filter((it) => pack === "" || it.name === pack)
    .flatMap((it) => it.rules)
    .filter((rule) => {
      const text =
        `${rule.id} ${rule.outcome} ${rule.why} ${rule.instead ?? ""} ${mapsTo(rule)}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  if (rules.length === 0) return <Empty title="No rule fits">Other words, or every pack.</Empty>;
  return (
    <Scroll className={pages.scroll} label="rules">
      {rules.map((rule) => (
        <div key={rule.id} className={`${parts.rule} ${parts[rule.outcome] ?? ""} ${styles.rule}`}>
          <span className={styles.name}>
            <a href={address("live", "", { rule: rule.id })} title="what it decided">
              <code>
                <Visible text={rule.id} />
              </code>
            </a>
            <span>{rule.outcome}</span>
            <span className={parts.note}>
              {rule.maturity} {mapsTo(rule)}
            </span>
          </span>
          <p>
            <Visible text={rule.why} />
          </p>
          {rule.instead && (
            <p className={parts.instead}>
              Instead: <Visible text={rule.instead} />
            </p>
          )}
        </div>
      ))}
    </Scroll>
  );
}

function mapsTo(rule: PolicyRule): string {
  return Array.isArray(rule.maps_to) ? rule.maps_to.join(" ") : (rule.maps_to ?? "");
}
