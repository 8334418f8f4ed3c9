// Two projects: unit tests beside their source, and whole-product tests that start processes and take their time.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Processes, not threads: tests start worker threads, open SQLite and load native addons of their own.
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['src/**/*.test.{ts,tsx}'], testTimeout: 15_000, hookTimeout: 15_000 },
      },
      {
        extends: true,
        test: { name: 'whole', include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
  },
})
