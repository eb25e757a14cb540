// Secrets of a function, had once per cold start: a SecureString of the Parameter Store by Powertools for AWS Lambda, and
// a variable that was encrypted with the helpers of the Lambda console by the SDK's own KMS client.
import { getParameter } from '@aws-lambda-powertools/parameters/ssm'
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { kmsKeyring } from 'sealstream/crypto'
import { kinesisHandler } from 'sealstream/lambda'

// Before the first event: when one of them cannot be had, the start fails, and Lambda starts again.
const [token, password] = await Promise.all([
  getParameter('/orders/webhook-token', { decrypt: true }),
  decrypted('WEBHOOK_PASSWORD')
])
if (token === undefined) throw new Error('/orders/webhook-token is empty')
const authorization = `Basic ${Buffer.from(`${token}:${password}`).toString('base64')}`

export const handler = kinesisHandler({
  open: { keyring: kmsKeyring({ keyId: process.env.ORDERS_KEY ?? 'alias/orders' }) },
  eachBatch: async records => {
    const body = records.map(({ data }) => new TextDecoder().decode(data)).join('\n')
    const response = await fetch(process.env.WEBHOOK_URL ?? '', {
      method: 'POST',
      headers: { authorization },
      body
    })
    // The invocation fails, and everything comes again.
    if (!response.ok) throw new Error(`the webhook answered ${response.status}`)
  }
})

/** @param {string} name of a variable whose value is the ciphertext, in Base64 */
async function decrypted(name) {
  const kms = new KMSClient()
  const { Plaintext } = await kms.send(
    new DecryptCommand({
      CiphertextBlob: Buffer.from(process.env[name] ?? '', 'base64'),
      // The console binds the ciphertext to the function.
      EncryptionContext: { LambdaFunctionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? '' }
    })
  )
  kms.destroy()
  return new TextDecoder().decode(Plaintext)
}
