import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["tests/**/*.test.{ts,tsx}"],
          environment: "node",
          testTimeout: 120_000,
        },
      },
      // The pages in a browser, over the recorded data of `mock/`.
      { test: { name: "pages", include: ["e2e/pages.test.ts"], testTimeout: 300_000, hookTimeout: 60_000 } },
      // The console over the real daemon.
      { test: { name: "e2e", include: ["e2e/daemon.test.ts"], testTimeout: 600_000, hookTimeout: 120_000 } },
    ],
  },
});
