// Usage: node invoke.js MODULE
// Stands in for the runtime of Lambda: invokes the module's handler with each line of the input, one after the other, and
// writes a line of JSON for each. It ends when nothing is left to do, and not by a call.
import { createInterface } from 'node:readline/promises'
import { pathToFileURL } from 'node:url'

const { handler } = await import(pathToFileURL(process.argv[2] ?? '').href)
const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 60_000 }
for await (const line of createInterface({ input: process.stdin })) {
  try {
    process.stdout.write(`response ${JSON.stringify(await handler(JSON.parse(line), context))}\n`)
  } catch (error) {
    process.stdout.write(`failed ${error instanceof Error ? error.name : typeof error}\n`)
  }
}
