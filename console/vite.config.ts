import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Nothing is inlined: the page is served under a policy that takes only files of its own place.
export default defineConfig(async ({ mode }) => ({
  plugins: [react(), ...(mode === "mock" ? [(await import("./mock/plugin")).mock()] : [])],
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  server: { port: 7480, strictPort: true },
  preview: { port: 7481, strictPort: true },
}));
