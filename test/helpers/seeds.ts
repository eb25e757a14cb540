/**
 * How many runs a property gets: at most 300 in the quick set, the full count in `npm run test:deep`.
 * The seeds rotate from run to run; fast-check prints the one that failed.
 */
export function seeds(quick: number): number {
  const asked = Number(process.env.SEALSTREAM_SEEDS)
  return Number.isInteger(asked) && asked > 0 ? Math.max(quick, asked) : Math.min(quick, 300)
}
