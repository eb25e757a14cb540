import { inspect } from 'node:util'
import { InvalidOptionError } from '../core/errors.ts'

/** A secret itself, or the name of the environment variable that holds it. */
export type SecretSource = string | { readonly env: string } | Secret

/**
 * A secret of a plan. It shows itself neither in JSON nor in a log, and a variable is read only where the secret is
 * needed: where a delivery stream has to be made.
 */
export class Secret {
  readonly #source: string | { readonly env: string }

  constructor(source: string | { readonly env: string }) {
    this.#source = source
  }

  /** The secret itself. @throws InvalidOptionError naming `option` when the variable is missing */
  reveal(option: string): string {
    if (typeof this.#source === 'string') return this.#source
    const value = process.env[this.#source.env]
    if (value !== undefined && value !== '') return value
    throw new InvalidOptionError(option, `the environment variable ${this.#source.env} is not set`)
  }

  /** The name of the variable, or nothing that tells the secret. */
  toJSON(): unknown {
    return typeof this.#source === 'string' ? '(secret)' : this.#source
  }

  [inspect.custom](): string {
    return `Secret ${inspect(this.toJSON())}`
  }
}

/** Never quotes what it was given. */
export function checkSecret(option: string, value: unknown): Secret {
  if (value instanceof Secret) return value
  if (typeof value === 'string' && value !== '') return new Secret(value)
  if (typeof value === 'object' && value !== null && Object.keys(value).join() === 'env') {
    const { env } = value as { readonly env: unknown }
    if (typeof env === 'string' && env !== '') return new Secret({ env })
  }
  throw new InvalidOptionError(option, "expected a string that is not empty, or { env: 'NAME' }")
}
