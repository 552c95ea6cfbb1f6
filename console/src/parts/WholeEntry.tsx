import type { Entry } from "../api/types";
import { useWhole, type Whole } from "../app/whole";
import { EntryView } from "./EntryView";
import { Failed, Loading } from "./States";

/** An entry in full, whatever there is of it so far: what is there in brief has no effects and no rules to show. */
export function WholeEntry({ entry }: { entry: Entry }) {
  return <WholeView {...useWhole(entry)} />;
}

export function WholeView({ entry, error, again }: Whole) {
  if (entry) return <EntryView entry={entry} />;
  return error ? <Failed error={error} again={again} /> : <Loading what="the entry" />;
}
