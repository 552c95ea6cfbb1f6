// Answers that no log gives: made up, in the form of the real ones.

import type { AgentStatus, Policies } from "../../src/api/types";
import agentsFile from "./agents.json";
import oversightFile from "./oversight.json";
import policiesFile from "./policies.json";

export const agents: AgentStatus = agentsFile;
export const policies: Policies = policiesFile;
export const oversight: unknown = oversightFile;
