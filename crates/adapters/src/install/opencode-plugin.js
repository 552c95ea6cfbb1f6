// Written by `ringfence init`, and taken away by `ringfence init --undo`.
// Asks the gate before each call; whatever goes wrong on the way is a no.
import { spawn } from "node:child_process";

const GATE = "GATE";
const PATIENCE_MS = 8000;

function ask(message) {
  return new Promise((resolve) => {
    let out = "";
    let err = "";
    const gate = spawn("/bin/sh", ["-c", GATE], { stdio: ["pipe", "pipe", "pipe"] });
    const end = (answer) => {
      clearTimeout(timer);
      resolve(answer);
    };
    const no = (why) => end({ decision: "deny", reason: `ringfence: the gate did not answer: ${why}` });
    const timer = setTimeout(() => {
      gate.kill("SIGKILL");
      no("it took too long");
    }, PATIENCE_MS);
    gate.on("error", (error) => no(String(error)));
    gate.stdin.on("error", () => {});
    gate.stdout.on("data", (data) => (out += data));
    gate.stderr.on("data", (data) => (err += data));
    gate.on("close", (code) => {
      try {
        const answer = JSON.parse(out);
        if (code === 0 && ["allow", "approve"].includes(answer.decision)) return end(answer);
        if (answer.decision === "deny" && answer.reason) return end(answer);
      } catch {}
      no(err.trim() || `exit code ${code}`);
    });
    gate.stdin.end(JSON.stringify(message));
  });
}

export const Ringfence = async ({ client, directory }) => {
  // Calls about which OpenCode's user is not to be asked any more.
  const approved = new Set();
  const message = (event, session, more) => ({
    hook_event_name: event,
    session_id: session || "unknown",
    cwd: directory,
    ...more,
  });
  return {
    "tool.execute.before": async ({ tool, sessionID, callID }, { args }) => {
      const call = { tool_name: tool, tool_input: args, tool_use_id: callID };
      const answer = await ask(message("PreToolUse", sessionID, call));
      if (answer.decision === "deny") throw new Error(answer.reason);
      if (answer.args) Object.assign(args, answer.args);
      if (answer.decision === "approve") approved.add(callID);
    },
    event: async ({ event }) => {
      if (event.type !== "permission.asked") return;
      const { id, sessionID, tool } = event.properties;
      if (!tool || !approved.has(tool.callID)) return;
      const path = { id: sessionID, permissionID: id };
      await client.postSessionIdPermissionsPermissionId({ path, body: { response: "once" } });
    },
    "tool.execute.after": async ({ tool, sessionID, callID, args }, result) => {
      const call = { tool_name: tool, tool_input: args, tool_use_id: callID, tool_response: result.output };
      approved.delete(callID);
      const answer = await ask(message("PostToolUse", sessionID, call));
      if (answer.output) Object.assign(result, { output: answer.output, metadata: {} });
    },
    "chat.message": async ({ sessionID }, { parts }) => {
      const text = (parts || []).filter((part) => part.type === "text" && !part.synthetic);
      const prompt = text.map((part) => part.text).join("\n");
      if (prompt) await ask(message("UserPromptSubmit", sessionID, { prompt }));
    },
  };
};
