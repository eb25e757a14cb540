/**
 * @param {ReturnType<typeof import('./measure.js').machine>} machine
 * @param {import('./measure.js').Effort} effort
 */
export function machineLines(machine, { samples }) {
  const { cpu, cores, memoryGiB, node, openssl, platform } = machine
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}`,
    `node ${node}, OpenSSL ${openssl}`,
    `median of ${samples} interleaved samples; in brackets 10th and 90th percentile; ratio to the baseline (*)`
  ]
}

/**
 * A table of one group, the baseline marked.
 * @param {import('./measure.js').GroupResult} group
 */
export function groupLines({ name, unit, baseline, cases }) {
  const rows = cases.map(result => [
    `${result.name === baseline ? '*' : ' '} ${result.name}`,
    `${rate(result.opsPerSecond.median)} ${unit}/s`,
    `[${rate(result.opsPerSecond.p10)} - ${rate(result.opsPerSecond.p90)}]`,
    `x ${factor(result.ratio.median)}`,
    `[${factor(result.ratio.p10)} - ${factor(result.ratio.p90)}]`,
    ...processCells(result.process)
  ])
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return [
    `  ${name}`,
    ...rows.map(row =>
      row
        .map((cell, column) =>
          column === 0 ? `    ${cell.padEnd(widths[0] ?? 0)}` : cell.padStart(widths[column] ?? 0)
        )
        .join('  ')
    )
  ]
}

/** @param {import('./measure.js').ProcessUse | undefined} use */
function processCells(use) {
  if (use === undefined) return []
  const { cpuUs, cpuRatio, eventLoopP999Ms, eventLoopMaxMs } = use
  return [
    `CPU ${cpuUs.median.toFixed(2)} us`,
    `x ${factor(cpuRatio.median)}`,
    `[${factor(cpuRatio.p10)} - ${factor(cpuRatio.p90)}]`,
    `loop p99.9 ${eventLoopP999Ms.median.toFixed(1)} ms, max ${eventLoopMaxMs.toFixed(1)} ms`
  ]
}

/** @param {number} perSecond */
function rate(perSecond) {
  // Never by the locale of whoever runs it: the output is pasted into commits.
  return String(Math.round(perSecond)).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** @param {number} ratio */
function factor(ratio) {
  return ratio.toFixed(ratio < 0.1 ? 3 : 2)
}

/**
 * For JSON.
 * @param {number | undefined} value
 * @param {number} digits
 */
export function rounded(value, digits) {
  return Number((value ?? Number.NaN).toFixed(digits))
}
