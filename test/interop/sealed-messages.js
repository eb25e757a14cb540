import { randomBytes } from 'node:crypto'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { kmsKeyring } from 'sealstream/crypto'
import { startLocal } from 'sealstream/local'
import { converse } from './conversation.js'

// For the people who build the package, not for its tests.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const streamName = 'orders'
const suites = /** @type {const} */ (['0x0478', '0x0578'])

/**
 * @typedef {object} Where
 * @property {string} kmsEndpoint
 * @property {string} keys ARNs, separated by commas
 */

/**
 * Sealed messages, ours opened by an AWS Encryption SDK and the other way round: both suites, one and two keys, contexts
 * beyond ASCII, payloads from no byte on. The judge takes the orders that `java/` describes in `Messages.java`. The
 * result is printed, and becomes the exit code.
 * @param {object} options
 * @param {(where: Where) => ReturnType<typeof import('./judge-process.js').startJudge>} options.start
 * @param {number} options.messageCount
 * @param {number} options.maxPayloadBytes
 */
export async function judgeMessages({ start, messageCount, maxPayloadBytes }) {
  const local = await startLocal({ services: ['kms'] })
  const clientConfig = local.clientConfig('kms')
  const kms = new KMSClient(clientConfig)
  /** @type {string[]} */
  const faults = []
  let oursOpened = 0
  let theirsOpened = 0
  try {
    const keys = await Promise.all([0, 1].map(() => makeKey(kms)))
    const judge = converse(start({ kmsEndpoint: clientConfig.endpoint, keys: keys.join(',') }))
    try {
      for (let n = 0; n < messageCount; n += 1) {
        const algorithmSuite = suites[n % 2]
        const keyring = kmsKeyring({
          keyId: keys[0] ?? '',
          additionalKeyIds: n % 4 < 2 ? [] : keys.slice(1),
          algorithmSuite,
          clientConfig
        })
        const payload = randomBytes(n % 40 === 0 ? 0 : Math.round(maxPayloadBytes ** ((n % 100) / 99)))
        const message = { judge, keyring, algorithmSuite, context: contextOf(n), payload }
        const ours = await openedByJudge(message)
        if (ours === undefined) oursOpened += 1
        else faults.push(`ours ${n}, suite ${algorithmSuite}: ${ours}`)
        const theirs = await openedByUs(message)
        if (theirs === undefined) theirsOpened += 1
        else faults.push(`theirs ${n}, suite ${algorithmSuite}: ${theirs}`)
      }
    } finally {
      judge.end()
    }
  } finally {
    kms.destroy()
    await local.close()
  }
  for (const fault of faults.slice(0, 10)) console.error(`FAULT: ${fault}`)
  console.log(JSON.stringify({ messages: messageCount, oursOpened, theirsOpened, faults: faults.length }))
  process.exitCode = faults.length === 0 ? 0 : 1
}

/**
 * @typedef {object} Message
 * @property {ReturnType<typeof converse>} judge
 * @property {ReturnType<typeof kmsKeyring>} keyring
 * @property {'0x0478' | '0x0578'} algorithmSuite
 * @property {Readonly<Record<string, string>>} context
 * @property {Buffer} payload
 */

/**
 * @param {Message} message
 * @returns {Promise<string | undefined>} what is wrong
 */
async function openedByJudge({ judge, keyring, context, payload }) {
  const sealer = keyring.createSealer({ streamName, context })
  const sealed = Buffer.from(await sealer.seal(payload))
  sealer.close()
  const [outcome = '', text = '', pairs = ''] = await order(judge, 'open', '-', sealed)
  if (outcome !== 'ok') return text
  const told = Object.fromEntries(
    Buffer.from(pairs, 'base64')
      .toString('utf8')
      .split('\n')
      .map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
  )
  delete told['aws-crypto-public-key']
  const isSame =
    Buffer.from(text, 'base64').equals(payload) && sameContext(told, { stream: streamName, ...context })
  return isSame ? undefined : 'opened to something else'
}

/**
 * @param {Message} message
 * @returns {Promise<string | undefined>} what is wrong
 */
async function openedByUs({ judge, keyring, algorithmSuite, context, payload }) {
  const pairs = lines({ stream: streamName, ...context })
  const [outcome, text = ''] = await order(judge, 'seal', algorithmSuite.slice(2), payload, pairs)
  if (outcome !== 'ok') return text
  const opener = keyring.createOpener({ streamName, context })
  try {
    const opened = await opener.open(Buffer.from(text, 'base64'))
    return payload.equals(opened) ? undefined : 'opened to something else'
  } catch (error) {
    return /** @type {Error} */ (error).message
  } finally {
    opener.close()
  }
}

/** @param {KMSClient} kms */
async function makeKey(kms) {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  return KeyMetadata?.Arn ?? ''
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
 * @param {Readonly<Record<string, string>>} left
 * @param {Readonly<Record<string, string>>} right
 */
function sameContext(left, right) {
  const sorted = (/** @type {Readonly<Record<string, string>>} */ context) =>
    JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)))
  return sorted(left) === sorted(right)
}

/**
 * @param {ReturnType<typeof converse>} judge
 * @param {string} name
 * @param {string} suite
 * @param {readonly Buffer[]} parts
 */
async function order(judge, name, suite, ...parts) {
  const answer = await judge.ask([name, suite, ...parts.map(part => part.toString('base64'))].join('\t'))
  return answer.split('\t')
}
