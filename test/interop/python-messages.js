// Sealed messages, ours opened by the AWS Encryption SDK for Python and the other way round.
// Usage: node python-messages.js
import { requirePython, startPython } from './python-environment.js'
import { judgeMessages } from './sealed-messages.js'

requirePython()
await judgeMessages({
  start: ({ kmsEndpoint, keys }) =>
    startPython('messages.py', {
      AWS_ENDPOINT_URL_KMS: kmsEndpoint,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      JUDGE_KEYS: keys
    }),
  messageCount: 1_000,
  maxPayloadBytes: 256 * 1024
})
