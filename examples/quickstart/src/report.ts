/** Shows what a program does, step by step: to a person as it happens, or as one JSON object at the end. */

export interface Step {
  readonly step: string
  readonly result: unknown
  readonly milliseconds: number
}

const live = process.stdout.isTTY === true

/** A progress line that is written over while the output is a terminal, and is left out where it is not. */
export const progress = (text: string): void => {
  if (live) process.stdout.write(`\r\x1b[2K   ${text} …`)
}

const clear = () => {
  if (live) process.stdout.write("\r\x1b[2K")
}

export class Report {
  readonly steps: Array<Step> = []
  readonly #json: boolean

  constructor(options: { readonly json: boolean }) {
    this.#json = options.json
  }

  get quiet(): boolean {
    return this.#json
  }

  /** Runs one step and shows what `say` makes of its result. `keep` is what the JSON object holds of it. */
  async step<A>(
    step: string,
    run: () => Promise<A>,
    say: (result: A) => string | ReadonlyArray<string>,
    keep: (result: A) => unknown = say
  ): Promise<A> {
    const start = performance.now()
    const result = await run()
    const milliseconds = Math.round(performance.now() - start)
    this.steps.push({ step, result: keep(result), milliseconds })
    if (!this.#json) {
      clear()
      console.log(`✓ ${step} (${milliseconds} ms)`)
      for (const line of [say(result)].flat()) console.log(`   ${line}`)
    }
    return result
  }

  end(ok: boolean, error?: unknown): void {
    if (this.#json) {
      const failure = error === undefined ? {} : { error: error instanceof Error ? error.message : String(error) }
      console.log(JSON.stringify({ ok, steps: this.steps, ...failure }, null, 2))
      return
    }
    clear()
    if (error !== undefined) console.error(`✗ ${error instanceof Error ? error.message : String(error)}`)
  }
}
