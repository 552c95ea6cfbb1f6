// The entries that fit a filter: pages of older ones from the server, and in front of them what comes live.

import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api } from "../../api/client";
import type { Entry } from "../../api/types";
import { useLive } from "../../app/store";
import { type Filter, matches } from "../../model/entry";

const PAGE = 200;

/** Newest first. `older` asks for more, as far as there are. */
export function useEvents(filter: Filter) {
  const tail = useLive((live) => live.tail);
  const pages = useInfiniteQuery({
    queryKey: ["events", filter],
    queryFn: ({ pageParam }) =>
      api.events({ ...filter, limit: PAGE, ...(pageParam ? { before: pageParam } : {}) }),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.events.length < PAGE ? undefined : page.events[0]?.seq),
    staleTime: Number.POSITIVE_INFINITY,
    maxPages: 50,
  });
  const loaded = useMemo(
    () => pages.data?.pages.flatMap((page) => page.events.toReversed()) ?? [],
    [pages.data],
  );
  const newest = loaded[0]?.seq ?? pages.data?.pages[0]?.last ?? 0;
  const events = useMemo<Entry[]>(() => {
    const live = tail.filter((entry) => entry.seq > newest && matches(entry, filter)).toReversed();
    return live.length > 0 ? live.concat(loaded) : loaded;
  }, [tail, loaded, newest, filter]);
  return {
    events,
    isPending: pages.isPending,
    error: events.length > 0 ? null : pages.error,
    again: () => void pages.refetch(),
    older: () => {
      if (pages.hasNextPage && !pages.isFetchingNextPage) void pages.fetchNextPage();
    },
    hasOlder: pages.hasNextPage,
  };
}
