// Entries come live in brief, as much of each as a row has room for. What is looked at is asked for whole, of the log
// itself: the database may be a little behind.

import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import type { Entry } from "../api/types";

/** The entry, whole as soon as it is there. */
export function useWhole(entry: Entry | undefined): Entry | undefined {
  const seq = entry?.brief ? entry.seq : undefined;
  const { data } = useQuery({
    queryKey: ["whole", seq],
    queryFn: async () => JSON.parse(new TextDecoder().decode(await api.file(`entry/${seq}`))) as Entry,
    enabled: seq !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return seq === undefined ? entry : (data ?? entry);
}
