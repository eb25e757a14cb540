// Sealed messages, ours opened by the AWS Encryption SDK for Java and the other way round.
// Usage: node messages.js CLASSPATH
import { startJudge } from './judge-process.js'
import { judgeMessages } from './sealed-messages.js'

const classpath = process.argv[2] ?? ''

await judgeMessages({
  start: where => startJudge(classpath, 'Messages', where),
  messageCount: 2_000,
  maxPayloadBytes: 1024 * 1024
})
