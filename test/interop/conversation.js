import { createInterface } from 'node:readline'

/**
 * Orders for a judge that answers each line by one.
 * @param {ReturnType<typeof import('./judge-process.js').startJudge>} judge
 */
export function converse(judge) {
  const answers = createInterface({ input: judge.stdout })[Symbol.asyncIterator]()
  // That it went away is told by the answer that does not come.
  judge.stdin.on('error', () => {})
  return {
    /** @param {string} line */
    async ask(line) {
      judge.stdin.write(`${line}\n`)
      const { value, done } = await answers.next()
      if (done) throw new Error('the judge ended')
      return value
    },
    end: () => judge.stdin.end()
  }
}
