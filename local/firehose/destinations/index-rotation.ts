export const rotationPeriods = ['NoRotation', 'OneHour', 'OneDay', 'OneWeek', 'OneMonth'] as const
export type RotationPeriod = (typeof rotationPeriods)[number]

const dayMs = 86_400_000

/** Name of the index for a record that arrived at `arrivedMs`, milliseconds since 1970. In UTC. */
export function rotatedIndex(name: string, period: RotationPeriod, arrivedMs: number): string {
  const instant = new Date(arrivedMs).toISOString()
  switch (period) {
    case 'NoRotation':
      return name
    case 'OneHour':
      return `${name}-${instant.slice(0, 13).replace('T', '-')}`
    case 'OneDay':
      return `${name}-${instant.slice(0, 10)}`
    case 'OneWeek': {
      const { year, week } = weekOf(arrivedMs)
      return `${name}-${year}-w${String(week).padStart(2, '0')}`
    }
    case 'OneMonth':
      return `${name}-${instant.slice(0, 7)}`
  }
}

/**
 * The developer guide's rule: weeks start on Sunday, and the first one of a year is the first with a Saturday in it.
 * Its example counts as ISO 8601 does, one less for the same day in 2016; which of them holds is not known.
 */
function weekOf(ms: number): { readonly year: number; readonly week: number } {
  const saturday = new Date(ms + (6 - new Date(ms).getUTCDay()) * dayMs)
  const year = saturday.getUTCFullYear()
  const dayOfYear = Math.floor((saturday.getTime() - Date.UTC(year, 0, 1)) / dayMs) + 1
  return { year, week: Math.ceil(dayOfYear / 7) }
}
