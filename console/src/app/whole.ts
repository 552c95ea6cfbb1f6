// Entries come live in brief, as much of each as a row has room for. What is looked at is asked for whole, of the log
// itself: the database may be a little behind.

import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import type { Entry } from "../api/types";

export interface Whole {
  /** Never in brief: nothing until all of it is there. */
  entry: Entry | undefined;
  error: unknown;
  again: () => void;
}

/** All of an entry that may be there in brief only. */
export function useWhole(entry: Entry): Whole {
  const seq = entry.brief ? entry.seq : undefined;
  const { data, error, refetch } = useQuery({
    queryKey: ["whole", seq],
    queryFn: async () => JSON.parse(new TextDecoder().decode(await api.file(`entry/${seq}`))) as Entry,
    enabled: seq !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { entry: seq === undefined ? entry : data, error, again: () => void refetch() };
}
