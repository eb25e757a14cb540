// boto3 with its defaults against the engines. Usage: node python-engines.js
import { createInterface } from 'node:readline'
import { startLocal } from 'sealstream/local'
import { requirePython, startPython } from './python-environment.js'

requirePython()
const local = await startLocal()
let result = ''
try {
  const judge = startPython('engines.py', {
    AWS_ENDPOINT_URL: local.endpoint,
    AWS_ACCESS_KEY_ID: local.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.credentials.secretAccessKey,
    AWS_DEFAULT_REGION: local.region
  })
  /** @type {Promise<number | null>} */
  const ended = new Promise(done => judge.once('close', done))
  for await (const line of createInterface({ input: judge.stdout })) {
    if (line.startsWith('FAULT: ')) console.error(line)
    else result = line
  }
  process.exitCode = (await ended) === 0 ? 0 : 1
} finally {
  await local.close()
}
console.log(result)
