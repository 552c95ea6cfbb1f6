// Each page is loaded when it is first opened.

import { type ComponentType, lazy } from "react";
import type { Page } from "../app/route";

export const pages: Record<Page, { body: ComponentType }> = {
  live: { body: lazy(() => import("./live/Live")) },
  approvals: { body: lazy(() => import("./approvals/Approvals")) },
  sessions: { body: lazy(() => import("./sessions/Sessions")) },
  agents: { body: lazy(() => import("./agents/Agents")) },
  policies: { body: lazy(() => import("./policies/Policies")) },
  oversight: { body: lazy(() => import("./oversight/Oversight")) },
  audit: { body: lazy(() => import("./audit/Audit")) },
};
