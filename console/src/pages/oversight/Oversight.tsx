import { useQuery } from "@tanstack/react-query";
import { api } from "../../api/client";
import { address } from "../../app/route";
import { clock } from "../../model/time";
import parts from "../../parts/parts.module.css";
import { Scroll } from "../../parts/Scroll";
import { Failed, Loading } from "../../parts/States";
import { Visible } from "../../parts/Text";
import pages from "../pages.module.css";
import {
  type Both,
  bothOf,
  coverageOf,
  duration,
  type Group,
  percent,
  type Row,
  type Section,
  type Share,
  sectionsOf,
  type Times,
} from "./figures";
import styles from "./oversight.module.css";

export default function Oversight() {
  const query = useQuery({ queryKey: ["oversight"], queryFn: api.oversight, staleTime: 60_000 });
  return (
    <>
      <div className={pages.bar}>
        <h1>Oversight</h1>
        <span className={parts.note}>
          does asking people still mean anything? Counted from transcripts and the log
          {query.dataUpdatedAt > 0 && `, at ${clock(new Date(query.dataUpdatedAt).toISOString())}`}
        </span>
        <button
          type="button"
          className={`${parts.button} ${pages.grow}`}
          onClick={() => void query.refetch()}
          disabled={query.isFetching}
        >
          {query.isFetching ? "Counting…" : "Count again"}
        </button>
      </div>
      {query.isPending && <Loading what="figures: transcripts are being counted" />}
      {query.error && !query.data && <Failed error={query.error} again={() => void query.refetch()} />}
      {query.data !== undefined && (
        <Scroll className={pages.scroll} label="figures">
          <Beside rows={bothOf(query.data)} coverage={coverageOf(query.data)} />
          <p className={`${parts.note} ${styles.legend}`}>
            <Plot share={{ count: 0, n: 1, share: 0.5, low: 0.38, high: 0.62 }} marks={[0.8]} label="" /> your
            share, the interval in which it lies with 95 %, and what others have published
          </p>
          <div className={styles.sections}>
            {sectionsOf(query.data).map((section) => (
              <Part key={section.title} section={section} />
            ))}
          </div>
        </Scroll>
      )}
    </>
  );
}

/** What agents tell of themselves, beside what Ringfence saw. */
function Beside({ rows, coverage }: { rows: Both[]; coverage: Share | undefined }) {
  const unknown = <span className={parts.note}>not known</span>;
  return (
    <section className={`${styles.section} ${styles.both}`}>
      <h2>Two witnesses</h2>
      <p>
        {coverage
          ? `Of ${coverage.n.toLocaleString()} calls in transcripts since the log began, Ringfence decided ${coverage.count.toLocaleString()}: ${percent(coverage.share)}.`
          : "How many of the calls in agents’ transcripts Ringfence decided is not known yet: there are none since the log began."}
        {coverage && coverage.count < coverage.n && (
          <>
            {" "}
            <a href={address("agents")}>What may pass by</a>
          </>
        )}
      </p>
      <table className={pages.table}>
        <thead>
          <tr>
            <th>figure</th>
            <th>agents’ transcripts</th>
            <th>Ringfence’s log</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td>
                {row.name}
                {row.published && <small>published: {row.published}</small>}
              </td>
              <td>{row.transcripts ?? unknown}</td>
              <td>{row.log ?? unknown}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Part({ section }: { section: Section }) {
  return (
    <section className={styles.section}>
      <h2>{section.title}</h2>
      {section.rows.map((row) => (
        <Figure key={row.name} row={row} />
      ))}
    </section>
  );
}

function Figure({ row }: { row: Row }) {
  return (
    <div className={styles.figure}>
      <span className={styles.name}>{row.name}</span>
      <Body row={row} />
      {row.baseline && (
        <span className={`${parts.note} ${styles.published}`}>published: {row.baseline.words}</span>
      )}
      {row.kind === "share" && (row.groups ?? []).length > 0 && <Groups groups={row.groups ?? []} />}
    </div>
  );
}

function Body({ row }: { row: Row }) {
  if (row.kind === "number") {
    return (
      <>
        {row.value === undefined ? <Unknown /> : <b className={styles.value}>{short(row.value)}</b>}
        {row.value !== undefined && <span className={parts.note}>{row.made}</span>}
      </>
    );
  }
  if (row.kind === "times")
    return <Durations times={row.times} marks={row.baseline?.marks ?? []} name={row.name} />;
  const { share } = row;
  if (!share) {
    if ((row.groups ?? []).length > 0) return null;
    return <Unknown />;
  }
  return (
    <>
      <b className={styles.value}>{percent(share.share)}</b>
      <Plot share={share} marks={row.baseline?.marks ?? []} label={`${row.name}: ${said(share)}`} />
      <span className={parts.note}>
        {share.count.toLocaleString()} of {share.n.toLocaleString()}
      </span>
    </>
  );
}

function Unknown() {
  return <b className={`${styles.value} ${styles.unknown}`}>not known</b>;
}

const short = (value: number) => (Number.isInteger(value) ? value.toLocaleString() : value.toFixed(2));
const said = (it: Share) =>
  `${percent(it.share)}, from ${percent(it.low)} to ${percent(it.high)}, of ${it.n}`;

const WIDTH = 220;

/** A share with its interval, on a line from nothing to all, beside what others have published. */
function Plot({ share, marks, label }: { share: Share; marks: number[]; label: string }) {
  const x = (at: number) => 2 + at * (WIDTH - 4);
  return (
    <svg
      className={styles.plot}
      viewBox={`0 0 ${WIDTH} 16`}
      role="img"
      aria-label={label || undefined}
      aria-hidden={label ? undefined : true}
    >
      <line className={styles.ground} x1="2" x2={WIDTH - 2} y1="8" y2="8" />
      <rect
        className={styles.interval}
        x={x(share.low)}
        y="4"
        width={Math.max(1.5, x(share.high) - x(share.low))}
        height="8"
        rx="2"
      />
      {marks.length > 1 && (
        <line className={styles.path} x1={x(marks[0] ?? 0)} x2={x(marks.at(-1) ?? 0)} y1="14" y2="14" />
      )}
      {marks.map((mark) => (
        <path key={mark} className={styles.mark} d={`M${x(mark)} 10.5 l3.5 5 h-7z`} />
      ))}
      <circle className={styles.point} cx={x(share.share)} cy="8" r="3.5" />
    </svg>
  );
}

/** From a tenth of a second to a day, each step ten times the one before. */
const SHORTEST = 100;
const LONGEST = 86_400_000;

function Durations({ times, marks, name }: { times: Times | undefined; marks: number[]; name: string }) {
  if (!times) return <Unknown />;
  const scale = Math.log(LONGEST / SHORTEST);
  const x = (at: number) => 2 + (Math.log(Math.max(SHORTEST, at) / SHORTEST) / scale) * (WIDTH - 4);
  const words = `median ${duration(times.p50_ms)}, 90 % within ${duration(times.p90_ms)}`;
  return (
    <>
      <b className={styles.value}>{duration(times.p50_ms)}</b>
      <svg className={styles.plot} viewBox={`0 0 ${WIDTH} 16`} role="img" aria-label={`${name}: ${words}`}>
        <line className={styles.ground} x1="2" x2={WIDTH - 2} y1="8" y2="8" />
        <line className={styles.tail} x1={x(times.p50_ms)} x2={x(times.p999_ms)} y1="8" y2="8" />
        <rect
          className={styles.interval}
          x={x(times.p50_ms)}
          y="4"
          width={Math.max(1.5, x(times.p90_ms) - x(times.p50_ms))}
          height="8"
          rx="2"
        />
        {marks.map((mark) => (
          <path key={mark} className={styles.mark} d={`M${x(mark)} 10.5 l3.5 5 h-7z`} />
        ))}
        <circle className={styles.point} cx={x(times.p50_ms)} cy="8" r="3.5" />
      </svg>
      <span className={parts.note}>
        p90 {duration(times.p90_ms)}, p99.9 {duration(times.p999_ms)}, n = {times.n.toLocaleString()}
      </span>
    </>
  );
}

function Groups({ groups }: { groups: Group[] }) {
  return (
    <ul className={styles.groups}>
      {groups.map((group) => (
        <li key={group.name}>
          <span className={parts.note}>
            <Visible text={group.name} />
          </span>
          <span className={styles.small}>{percent(group.share.share)}</span>
          <Plot share={group.share} marks={[]} label={`${group.name}: ${said(group.share)}`} />
          <span className={parts.note}>{group.share.n.toLocaleString()}</span>
          {(group.weeks ?? []).length > 1 && <Course name={group.name} weeks={group.weeks ?? []} />}
        </li>
      ))}
    </ul>
  );
}

const TALL = 76;
const BROAD = 440;
const DAY = 86_400_000;

/** A catch rate from week to week, each with its interval, beside what others have published. */
function Course({ name, weeks }: { name: string; weeks: Group[] }) {
  const days = weeks.map((week) => Date.parse(`${week.name}T00:00:00Z`) / DAY);
  const [first, last] = [Math.min(...days), Math.max(...days)];
  const x = (day: number) => 34 + ((day - first) / Math.max(1, last - first)) * (BROAD - 90);
  const y = (share: number) => 6 + (1 - share) * (TALL - 24);
  const points = weeks.map((week, at) => ({ week, at: x(days[at] ?? first) }));
  const told = weeks.map((week) => `week of ${week.name}: ${said(week.share)}`).join("; ");
  return (
    <svg
      className={styles.course}
      viewBox={`0 0 ${BROAD} ${TALL}`}
      role="img"
      aria-label={`planted dangers caught by ${name}, ${told}`}
    >
      {[0, 1].map((share) => (
        <g key={share}>
          <line className={styles.ground} x1="34" x2={BROAD} y1={y(share)} y2={y(share)} />
          <text x="28" y={y(share) + 4} textAnchor="end">
            {share * 100} %
          </text>
        </g>
      ))}
      <line className={styles.others} x1="34" x2={BROAD} y1={y(0.136)} y2={y(0.136)} />
      <text className={styles.othersName} x={BROAD} y={y(0.136) - 3} textAnchor="end">
        13.6 %
      </text>
      <polyline
        className={styles.way}
        points={points.map((it) => `${it.at},${y(it.week.share.share)}`).join(" ")}
      />
      {points.map(({ week, at }) => (
        <g key={week.name}>
          <line className={styles.week} x1={at} x2={at} y1={y(week.share.high)} y2={y(week.share.low)} />
          <circle className={styles.point} cx={at} cy={y(week.share.share)} r="3.5">
            <title>{`week of ${week.name}: ${said(week.share)}`}</title>
          </circle>
        </g>
      ))}
      {[points[0], points.at(-1)].map(
        (it, at) =>
          it && (
            <text key={it.week.name} x={it.at} y={TALL - 3} textAnchor={at === 0 ? "start" : "end"}>
              {it.week.name}
            </text>
          ),
      )}
    </svg>
  );
}
