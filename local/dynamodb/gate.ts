/**
 * Lets requests in side by side, or one alone: what takes several steps, such as building an index, must not be seen
 * half done. First come, first served.
 */
export class Gate {
  #inside = 0
  #isClosed = false
  readonly #waiting: { readonly isAlone: boolean; readonly enter: () => void }[] = []

  /** Runs `task` beside others. */
  shared<T>(task: () => Promise<T>): Promise<T> {
    return this.#run(false, task)
  }

  /** Runs `task` while nothing else runs. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#run(true, task)
  }

  async #run<T>(isAlone: boolean, task: () => Promise<T>): Promise<T> {
    await new Promise<void>(enter => {
      this.#waiting.push({ isAlone, enter })
      this.#admit()
    })
    try {
      return await task()
    } finally {
      this.#inside -= 1
      this.#isClosed = false
      this.#admit()
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#isClosed || (next.isAlone && this.#inside > 0)) return
      this.#waiting.shift()
      this.#inside += 1
      this.#isClosed = next.isAlone
      next.enter()
    }
  }
}
