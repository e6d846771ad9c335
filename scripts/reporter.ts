// Vitest's own output, then what was skipped with the reason, then one line that a script can read.
import type { TestModule, TestSuite } from "vitest/node"
import { DefaultReporter } from "vitest/node"

const skippedGroups = (parent: TestModule | TestSuite): ReadonlyArray<string> =>
  Array.from(parent.children.suites()).flatMap((suite) => {
    const tests = Array.from(suite.children.allTests())
    return tests.length > 0 && tests.every((test) => test.result().state === "skipped")
      ? [suite.fullName]
      : skippedGroups(suite)
  })

export default class Reporter extends DefaultReporter {
  override onTestRunEnd(...args: Parameters<DefaultReporter["onTestRunEnd"]>): void {
    super.onTestRunEnd(...args)
    const [modules, unhandled] = args
    const states = modules.flatMap((module) =>
      Array.from(module.children.allTests()).map((test) => test.result().state)
    )
    const broken = modules.filter(
      (module) => module.state() === "failed" && Array.from(module.children.allTests("failed")).length === 0
    )
    const count = (state: string) => states.filter((each) => each === state).length
    for (const group of modules.flatMap(skippedGroups)) console.log(`skipped: ${group}`)
    console.log(
      `${count("passed")} passed, ${count("failed") + broken.length + unhandled.length} failed, ${count("skipped")} skipped`
    )
  }
}
