// The entries that fit a filter: pages of older ones from the server, and in front of them what comes live.

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api } from "../../api/client";
import type { Entry } from "../../api/types";
import { useLive } from "../../app/store";
import { type Filter, isCut, matches } from "../../model/entry";

const PAGE = 200;

/** Newest first. `older` asks for more, as far as there are. */
export function useEvents(filter: Filter) {
  const queries = useQueryClient();
  const tail = useLive((live) => live.tail);
  const pages = useInfiniteQuery({
    queryKey: ["events", filter],
    queryFn: ({ pageParam }) =>
      api.events({ ...filter, limit: PAGE, ...(pageParam ? { before: pageParam } : {}) }),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.events.length < PAGE ? undefined : page.events[0]?.seq),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const loaded = useMemo(
    () => pages.data?.pages.flatMap((page) => page.events.toReversed()) ?? [],
    [pages.data],
  );
  // All up to here was looked through by the server; what is newer comes live.
  const known = pages.data?.pages[0]?.last;
  const events = useMemo<Entry[]>(() => {
    const live = tail.filter((entry) => entry.seq > (known ?? 0) && matches(entry, filter)).toReversed();
    return live.length > 0 ? live.concat(loaded) : loaded;
  }, [tail, loaded, known, filter]);
  // More came than is kept at hand, or before it was listened: asked anew, so that nothing is missing between.
  const first = tail[0]?.seq;
  const hasGap = known !== undefined && first !== undefined && first > known + 1;
  useEffect(() => {
    if (!hasGap) return;
    // The server's database may be a little behind its log.
    const timer = setTimeout(() => void queries.resetQueries({ queryKey: ["events", filter] }), 1_500);
    return () => clearTimeout(timer);
  }, [hasGap, queries, filter]);
  // Of what came in brief only the server knows whether what is cut of it fits.
  const isUnsure = useMemo(() => {
    const anyWords = { ...filter, q: "" };
    const mayFit = (entry: Entry) => isCut(entry) && matches(entry, anyWords) && !matches(entry, filter);
    return filter.q !== "" && tail.some((entry) => entry.seq > (known ?? 0) && mayFit(entry));
  }, [tail, known, filter]);
  const { refetch, dataUpdatedAt } = pages;
  useEffect(() => {
    if (!isUnsure || dataUpdatedAt === 0) return;
    const timer = setTimeout(() => void refetch(), 3_000);
    return () => clearTimeout(timer);
  }, [isUnsure, refetch, dataUpdatedAt]);
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
