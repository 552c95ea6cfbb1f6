import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import { hindrance as noPasskeyHere } from "../api/passkey";
import type { Me } from "../api/types";

/** Who looks, and what keeps them from changing anything. */
export function useMe(): { me: Me | undefined; hindrance: string | undefined } {
  const { data: me } = useQuery({ queryKey: ["me"], queryFn: api.me, retry: false, staleTime: 30_000 });
  return { me, hindrance: hindranceOf(me) };
}

function hindranceOf(me: Me | undefined): string | undefined {
  if (!me) return "not logged in";
  if (me.role === "viewer") return "you may look, and change nothing: log in as an approver";
  const here = noPasskeyHere(window.location, window.isSecureContext);
  if (here) return here;
  return me.passkeys === 0 ? "no passkey is enrolled yet: choose “Passkey” at the lower left" : undefined;
}
