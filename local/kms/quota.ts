import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'

/**
 * Operations that share the request quota for cryptographic operations with symmetric keys
 * (https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html). ReEncrypt takes two from it.
 */
const costs: Readonly<Record<string, number>> = {
  Decrypt: 1,
  Encrypt: 1,
  GenerateDataKey: 1,
  GenerateDataKeyWithoutPlaintext: 1,
  GenerateRandom: 1,
  ReEncrypt: 2
}

/** A token bucket that holds one second's worth. */
export class RequestQuota {
  readonly #perSecond: number
  readonly #clock: Clock
  #tokens: number
  #atMs: number

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond
    this.#clock = clock
    this.#tokens = perSecond
    this.#atMs = clock.now()
  }

  /** @throws AwsError ThrottlingException when the quota is used up */
  take(operation: string): void {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = now
    const cost = Object.hasOwn(costs, operation) ? costs[operation]! : 0
    if (cost > this.#tokens) {
      throw new AwsError(
        'ThrottlingException',
        'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.'
      )
    }
    this.#tokens -= cost
  }
}
