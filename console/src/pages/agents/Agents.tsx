import { useQuery } from "@tanstack/react-query";
import { api } from "../../api/client";
import { plain } from "../../model/text";
import parts from "../../parts/parts.module.css";
import { Scroll } from "../../parts/Scroll";
import { Failed, Loading } from "../../parts/States";
import { Visible } from "../../parts/Text";
import pages from "../pages.module.css";

const ORDER = ["dead", "enforced", "absent"];
const LOOKS: Record<string, string | undefined> = { enforced: parts.allow, dead: parts.deny };

export default function Agents() {
  const status = useQuery({ queryKey: ["agents"], queryFn: api.agents });
  const { data } = status;
  const agents = (data?.agents ?? []).toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const here = agents.filter((it) => it.state !== "absent");
  const absent = agents.filter((it) => it.state === "absent");
  return (
    <>
      <div className={pages.bar}>
        <h1>Agents</h1>
        {data && (
          <span className={parts.note}>
            {data.enforced ? "guarded" : "nothing is enforced"}; what is promised is{" "}
            {data.promise === "prevention"
              ? "prevention"
              : "evidence: who runs as you can undo it, and it shows"}
          </span>
        )}
      </div>
      {status.isPending && <Loading what="agents" />}
      {status.error && !data && <Failed error={status.error} again={() => void status.refetch()} />}
      {data && (
        <Scroll className={pages.scroll} label="agents of this machine">
          {!data.enforced && (
            <p className={parts.problem}>
              No agent here is guarded. <code>ringfence init</code> registers the gate.
            </p>
          )}
          {here.length > 0 && (
            <table className={pages.table}>
              <thead>
                <tr>
                  <th>Agent</th>
                  <th>State</th>
                  <th>Why</th>
                  <th>What passes by</th>
                </tr>
              </thead>
              <tbody>
                {here.map((agent) => (
                  <tr key={agent.kind}>
                    <td className={pages.short}>
                      <b>
                        <Visible text={agent.kind} />
                      </b>
                    </td>
                    <td className={pages.short}>
                      <span className={LOOKS[agent.state]}>{agent.state}</span>
                    </td>
                    <td>
                      <Visible text={agent.reason ?? ""} />
                      {(agent.findings ?? []).map((it, at) => (
                        <p key={at} className={parts.note}>
                          <Visible text={sayFinding(it)} />
                        </p>
                      ))}
                    </td>
                    <td>
                      {(agent.unguarded ?? []).map(plain).join(", ") || (
                        <span className={parts.note}>nothing known</span>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {absent.length > 0 && (
            <p className={`${parts.note} ${parts.chips}`}>
              not here: {absent.map((it) => plain(it.kind)).join(", ")}
            </p>
          )}
        </Scroll>
      )}
    </>
  );
}

function sayFinding(finding: unknown): string {
  if (typeof finding === "string") return finding;
  const fields = (finding ?? {}) as Record<string, unknown>;
  const told = ["text", "message", "what", "why", "problem"]
    .map((it) => fields[it])
    .find((it) => typeof it === "string");
  return typeof told === "string" ? told : JSON.stringify(finding);
}
