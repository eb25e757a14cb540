import { availableParallelism, cpus, totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * @typedef {object} BenchCase
 * @property {string} name
 * @property {(iterations: number) => void | Promise<void> | Promise<number>} run does the operation that many times;
 *   whatever is made once belongs outside. Throws when a result is wrong: a wrong answer has no speed. Resolves with how
 *   many it did where it cannot stop at exactly so many.
 * @property {number} [units] units of the group that one operation stands for; 1 unless given
 * @property {typeof watchProcess} [watch] instead of this process, in a group that watches it: that of the case
 *
 * @typedef {object} BenchGroup What is measured side by side.
 * @property {string} name
 * @property {string} unit what one operation is, in the plural
 * @property {string} baseline name of the case that the others are compared with
 * @property {readonly BenchCase[]} cases
 * @property {number} [iterations] operations of one sample; without it as many as fill `sampleMs`
 * @property {boolean} [watchProcess] also takes the CPU time of this process and the delay of its event loop, for
 *   cases that wait for others
 * @property {Record<string, unknown>} [row] what the group stands for in the JSON of its suite
 *
 * @typedef {object} BenchOptions What `prepare()` is called with.
 * @property {number} handoverRuns
 *
 * @typedef {object} Bench What a `*.bench.js` file returns from its exported `prepare()`.
 * @property {readonly (BenchGroup | (() => Promise<BenchGroup>))[]} groups one that is made when its turn comes
 *   weighs on no other
 * @property {(group: BenchGroup, result: GroupResult) => object | readonly object[]} [rowOf] rows of the suite's JSON
 * @property {(measured: readonly Measured[]) => object | Promise<object>} [summary] what the suite's JSON says beside its rows
 * @property {readonly string[]} [notes] what a reader must know to judge the numbers
 * @property {() => void | Promise<void>} [finish] checks what only the end can tell, and releases what is held
 *
 * @typedef {{ readonly median: number, readonly p10: number, readonly p90: number }} Spread
 *
 * @typedef {object} ProcessUse
 * @property {Spread} cpuUs microseconds of CPU, user and system, for each unit; collections and the threads of the
 *   runtime included
 * @property {Spread} cpuRatio to the baseline, above 1 costs more; the spread of the ratios of each round
 * @property {Spread} eventLoopP999Ms 99.9th percentile of the milliseconds between two turns of the event loop, of
 *   each sample
 * @property {number} eventLoopMaxMs of all samples
 *
 * @typedef {object} CaseResult
 * @property {string} name
 * @property {number} iterations operations of each sample
 * @property {Spread} opsPerSecond
 * @property {Spread} ratio to the baseline, above 1 is faster; the spread of the ratios of each round
 * @property {ProcessUse} [process] of a group that asks for it
 *
 * @typedef {{ readonly group: BenchGroup, readonly result: GroupResult }} Measured
 *
 * @typedef {object} GroupResult
 * @property {string} name
 * @property {string} unit
 * @property {string} baseline
 * @property {readonly CaseResult[]} cases
 *
 * @typedef {{ readonly samples: number, readonly sampleMs: number, readonly warmUpMs: number }} Effort
 *
 * @typedef {{ readonly cpuUs: number, readonly eventLoopP999Ms: number, readonly eventLoopMaxMs: number }} Watched
 */

/** Short beside any delay that matters, and what an idle event loop shows. */
const eventLoopResolutionMs = 2

/** @type {() => void} */
const collectGarbage = exposedCollector()

/** Where the numbers come from. Numbers of two machines are never compared. */
export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    openssl: process.versions.openssl,
    platform: `${process.platform} ${process.arch}`
  }
}

/**
 * Measures the cases of a group in rounds: each round takes one sample of every case, so that a noisy moment
 * hits all of them alike, and a ratio is taken within its round. The order turns by one from round to round,
 * so that no case always runs behind the same rival.
 * @param {BenchGroup} group
 * @param {Effort} effort
 * @returns {Promise<GroupResult>}
 */
export async function measureGroup(group, { samples, sampleMs, warmUpMs }) {
  const { cases, name, unit, baseline } = group
  const baselineIndex = cases.findIndex(candidate => candidate.name === baseline)
  if (baselineIndex < 0) throw new Error(`group "${name}": no case is named as its baseline "${baseline}"`)
  /** @type {number[]} */
  const iterations = []
  for (const candidate of cases) {
    iterations.push(await warmUp(candidate, group.iterations, sampleMs, warmUpMs))
  }
  /** @type {number[][]} */
  const speeds = cases.map(() => [])
  /** @type {Watched[][]} */
  const watched = cases.map(() => [])
  for (let round = 0; round < samples; round += 1) {
    for (let step = 0; step < cases.length; step += 1) {
      const index = (round + step) % cases.length
      // A case does not pay for what the one before left behind, nor for the first steps after a full collection.
      collectGarbage()
      const count = iterations[index] ?? 1
      const candidate = /** @type {BenchCase} */ (cases[index])
      await candidate.run(Math.ceil(count / 10))
      const stopWatching = group.watchProcess ? (candidate.watch ?? watchProcess)() : undefined
      const { ms, done } = await timed(candidate, count)
      if (stopWatching !== undefined) watched[index]?.push(stopWatching(done * (candidate.units ?? 1)))
      speeds[index]?.push(((done * (candidate.units ?? 1)) / ms) * 1_000)
    }
  }
  const reference = speeds[baselineIndex] ?? []
  return {
    name,
    unit,
    baseline,
    cases: cases.map((candidate, index) => {
      const own = speeds[index] ?? []
      return {
        name: candidate.name,
        iterations: iterations[index] ?? 1,
        opsPerSecond: spreadOf(own),
        ratio: spreadOf(own.map((speed, round) => speed / (reference[round] ?? Number.NaN))),
        ...(group.watchProcess
          ? { process: processUse(watched[index] ?? [], watched[baselineIndex] ?? []) }
          : {})
      }
    })
  }
}

/**
 * @param {readonly Watched[]} own
 * @param {readonly Watched[]} reference
 * @returns {ProcessUse}
 */
function processUse(own, reference) {
  return {
    cpuUs: spreadOf(own.map(({ cpuUs }) => cpuUs)),
    cpuRatio: spreadOf(own.map(({ cpuUs }, round) => cpuUs / (reference[round]?.cpuUs ?? Number.NaN))),
    eventLoopP999Ms: spreadOf(own.map(({ eventLoopP999Ms }) => eventLoopP999Ms)),
    eventLoopMaxMs: Math.max(...own.map(({ eventLoopMaxMs }) => eventLoopMaxMs))
  }
}

/** @returns {(units: number) => Watched} ends it */
export function watchProcess() {
  // One for each sample: a monitor that is enabled again counts the pause as a delay.
  const eventLoop = monitorEventLoopDelay({ resolution: eventLoopResolutionMs })
  eventLoop.enable()
  const from = process.cpuUsage()
  return units => {
    const { user, system } = process.cpuUsage(from)
    eventLoop.disable()
    return {
      cpuUs: (user + system) / units,
      eventLoopP999Ms: eventLoop.percentile(99.9) / 1e6,
      eventLoopMaxMs: eventLoop.max / 1e6
    }
  }
}

/**
 * Median, and the bounds that leave out the lowest and the highest tenth; between two samples by interpolation.
 * @param {readonly number[]} values at least one
 * @returns {Spread}
 */
export function spreadOf(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9) }
}

/**
 * @param {readonly number[]} sorted
 * @param {number} part 0 to 1
 */
function quantile(sorted, part) {
  const at = (sorted.length - 1) * part
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

/**
 * Runs the case until the compiler has seen enough of it.
 * @param {BenchCase} candidate
 * @param {number | undefined} fixed
 * @param {number} sampleMs
 * @param {number} warmUpMs
 * @returns {Promise<number>} operations for a sample
 */
async function warmUp(candidate, fixed, sampleMs, warmUpMs) {
  let count = fixed ?? 1
  for (let spentMs = 0; ; ) {
    const { ms } = await timed(candidate, count)
    spentMs += ms
    if (spentMs >= warmUpMs) return fixed ?? Math.max(1, Math.round((count * sampleMs) / ms))
    if (fixed === undefined && ms < sampleMs) count *= 2
  }
}

/**
 * @param {BenchCase} candidate
 * @param {number} iterations
 * @returns {Promise<{ readonly ms: number, readonly done: number }>}
 */
async function timed(candidate, iterations) {
  const from = process.hrtime.bigint()
  const done = await candidate.run(iterations)
  return { ms: Number(process.hrtime.bigint() - from) / 1e6, done: done ?? iterations }
}

/** @returns {() => void} */
function exposedCollector() {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
