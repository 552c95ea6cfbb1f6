// Times as an operator reads them: how long ago, and exactly when on request.

const STEPS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** A length of time in its largest unit. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [size, unit] of STEPS) if (whole >= size) return `${Math.floor(whole / size)} ${unit}`;
  return "0 s";
}

/** How long ago that was. */
export function ago(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return "?";
  const seconds = (now - then) / 1_000;
  return seconds < 5 ? "now" : `${span(seconds)} ago`;
}

/** How long until then; nothing once it is past. */
export function left(at: string, now: number): string | undefined {
  const seconds = (Date.parse(at) - now) / 1_000;
  return seconds > 0 ? span(seconds) : undefined;
}

/** The time of day, to the millisecond if wanted. */
export function clock(at: string, fine = false): string {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return "?";
  const [hours, minutes, seconds] = [then.getHours(), then.getMinutes(), then.getSeconds()].map((it) =>
    String(it).padStart(2, "0"),
  );
  const time = `${hours}:${minutes}:${seconds}`;
  return fine ? `${time}.${String(then.getMilliseconds()).padStart(3, "0")}` : time;
}

/** Day and time. */
export function moment(at: string): string {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return "?";
  return then.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}
