/** Whether a variable is called like something that nobody is to read, rather than like where it lies. */
export function isSecretName(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
  return (
    /(^|_)(PASSWORD|PASSWD|PWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY)S?(_|$)/.test(
      words
    ) && !/_(ARN|ID|NAME|PATH|PARAMETER|URL|URI|TTL|MS|SECONDS|TABLE|BUCKET|QUEUE)$/.test(words)
  )
}

/** Whether a value says where a secret lies, or is one that KMS has encrypted. */
export function isReference(value: string): boolean {
  return (
    /^arn:[^:]+:(secretsmanager|ssm|kms|s3):/.test(value) ||
    // The name of a parameter.
    /^\/[\w./-]+$/.test(value) ||
    // KMS's ciphertexts begin alike, as base64.
    /^A[QY][EI]CA[A-Za-z0-9+/]{60,}={0,2}$/.test(value)
  )
}

const shapes: readonly RegExp[] = [
  // Credentials of AWS: an access key, or a secret key by itself.
  /(^|[^A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}([^A-Z0-9]|$)/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  // JSON web token.
  /(^|\s)eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/,
  // Tokens that say whose they are.
  /(^|\W)(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|xox[abprs]-[\w-]{10,}|sk_live_\w{16,})/,
  // Credentials in an address.
  /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]+:[^/\s@]+@/i,
  // CloudFormation puts the secret itself in the place of these.
  /\{\{resolve:(secretsmanager|ssm-secure):/
]

/** Whether a value is a secret by its shape, whatever its name. */
export function looksLikeSecret(value: string): boolean {
  return shapes.some(shape => shape.test(value))
}
