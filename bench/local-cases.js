/** What the engine of the suite `local` keeps. */
export const maxKinesisBytes = 64 * 1024 * 1024

/** Entries of one request, and the bytes of data of each. */
export const sizes = [
  { entries: 500, bytes: 100 },
  { entries: 40, bytes: 10 * 1024 }
]

/** A request to Firehose: its most entries, of the bytes of a line of a log. */
export const delivery = { entries: 500, bytes: 300 }
