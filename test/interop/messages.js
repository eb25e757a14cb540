// Sealed messages, ours opened by the AWS Encryption SDK for Java and the other way round: both suites, one and two keys,
// contexts beyond ASCII, payloads of no byte to 1 MiB. Usage: node messages.js CLASSPATH
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { kmsKeyring } from 'sealstream/crypto'
import { startLocal } from 'sealstream/local'
import { startJudge } from './judge-process.js'

const classpath = process.argv[2] ?? ''
// For the people who build the package, not for its tests.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const messageCount = 2_000
const streamName = 'orders'
const suites = /** @type {const} */ (['0x0478', '0x0578'])

const local = await startLocal({ services: ['kms'] })
const clientConfig = local.clientConfig('kms')
const kms = new KMSClient(clientConfig)
const keys = await Promise.all([0, 1].map(makeKey))
const judge = startJudge(classpath, 'Messages', { kmsEndpoint: clientConfig.endpoint, keys: keys.join(',') })
const answers = createInterface({ input: judge.stdout })[Symbol.asyncIterator]()

/** @type {string[]} */
const faults = []
let opened = 0
let sealed = 0
try {
  for (let n = 0; n < messageCount; n += 1) {
    const algorithmSuite = suites[n % 2]
    const additionalKeyIds = n % 4 < 2 ? [] : keys.slice(1)
    const context = contextOf(n)
    const keyring = keyringOf(algorithmSuite, additionalKeyIds)
    const plaintext = randomBytes(n % 40 === 0 ? 0 : Math.floor(2 ** ((n % 100) / 5)))

    const sealer = keyring.createSealer({ streamName, context })
    const message = Buffer.from(await sealer.seal(plaintext))
    sealer.close()
    const [outcome = '', text, pairs = ''] = await ask('open', '-', message)
    const told = Object.fromEntries(
      Buffer.from(pairs, 'base64')
        .toString('utf8')
        .split('\n')
        .map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
    )
    delete told['aws-crypto-public-key']
    if (outcome === 'ok' && same(text, plaintext) && sameContext(told, { stream: streamName, ...context }))
      opened += 1
    else
      faults.push(
        `ours ${n}, suite ${algorithmSuite}: ${outcome === 'ok' ? 'opened to something else' : text}`
      )

    const [sealing, theirs = ''] = await ask(
      'seal',
      algorithmSuite.slice(2),
      plaintext,
      lines({ stream: streamName, ...context })
    )
    const opener = keyring.createOpener({ streamName, context })
    try {
      const bytes = sealing === 'ok' ? await opener.open(Buffer.from(theirs, 'base64')) : undefined
      if (bytes !== undefined && plaintext.equals(bytes)) sealed += 1
      else
        faults.push(
          `theirs ${n}, suite ${algorithmSuite}: ${sealing === 'ok' ? 'opened to something else' : theirs}`
        )
    } catch (error) {
      faults.push(`theirs ${n}, suite ${algorithmSuite}: ${/** @type {Error} */ (error).message}`)
    }
    opener.close()
  }
} finally {
  judge.stdin.end()
  kms.destroy()
  await local.close()
}
for (const fault of faults.slice(0, 10)) console.error(`FAULT: ${fault}`)
console.log(
  JSON.stringify({
    messages: messageCount,
    oursOpenedByJava: opened,
    javasOpenedByUs: sealed,
    faults: faults.length
  })
)
process.exitCode = faults.length === 0 ? 0 : 1

async function makeKey() {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  return KeyMetadata?.Arn ?? ''
}

/**
 * @param {'0x0478' | '0x0578'} algorithmSuite
 * @param {readonly string[]} additionalKeyIds
 */
function keyringOf(algorithmSuite, additionalKeyIds) {
  return kmsKeyring({ keyId: keys[0] ?? '', additionalKeyIds, algorithmSuite, clientConfig })
}

/**
 * Names and values of one to four bytes a character, and some that UTF-8 and UTF-16 put into another order.
 * @param {number} n
 * @returns {Record<string, string>}
 */
function contextOf(n) {
  const pairs = [
    ['pipeline', 'shop'],
    ['größe', `${n} ünïcödé`],
    ['表', '値'],
    ['\uff5e', 'fullwidth'],
    ['\u{1f511}', 'a key \u{1f5dd}']
  ]
  return Object.fromEntries(pairs.slice(0, 1 + (n % pairs.length)))
}

/** @param {Readonly<Record<string, string>>} context */
function lines(context) {
  return Buffer.from(
    Object.entries(context)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n')
  )
}

/**
 * @param {string | undefined} base64
 * @param {Buffer} bytes
 */
function same(base64, bytes) {
  return Buffer.from(base64 ?? '', 'base64').equals(bytes)
}

/**
 * @param {Readonly<Record<string, string>>} left
 * @param {Readonly<Record<string, string>>} right
 */
function sameContext(left, right) {
  const sorted = (/** @type {Readonly<Record<string, string>>} */ context) =>
    JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)))
  return sorted(left) === sorted(right)
}

/**
 * @param {string} order
 * @param {string} suite
 * @param {readonly Buffer[]} parts
 */
async function ask(order, suite, ...parts) {
  judge.stdin.write(`${[order, suite, ...parts.map(part => part.toString('base64'))].join('\t')}\n`)
  const { value, done } = await answers.next()
  if (done) throw new Error('the judge ended')
  return value.split('\t')
}
