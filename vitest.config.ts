import { defineConfig } from "vitest/config"

// Vitest hands these to Node, for `require` too, so `import` must not be among them: it is added where it is right.
const conditions = ["@berth/source", "node"]
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions } }
}

export default defineConfig({
  ...shared,
  test: {
    retry: 0,
    reporters: [["./scripts/reporter.ts", {}]],
    projects: [
      {
        ...shared,
        test: {
          name: "unit",
          // Files share the modules of their worker: importing them anew for each would take longer than the tests.
          isolate: false,
          include: ["packages/*/test/**/*.test.ts", "scripts/test/**/*.test.ts"],
          exclude: ["**/*.integration.test.ts"],
          testTimeout: 10_000
        }
      },
      {
        ...shared,
        test: {
          name: "integration",
          include: ["packages/*/test/**/*.integration.test.ts", "examples/*/test/**/*.integration.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      }
    ]
  }
})
