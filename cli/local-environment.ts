import { resolve } from 'node:path'
import type { LocalEngines, LocalReceiver } from '../local/index.ts'

/**
 * What an AWS client, and whoever looks at the receivers, needs to know, as lines for a shell to evaluate: every text
 * that a receiver tells of itself is in a variable of its own, such as SEALSTREAM_HEC_TOKEN. With `certificateFile`,
 * where what clients have to trust lies, also how to get there by TLS.
 */
export function exportLines(
  local: LocalEngines,
  receivers: readonly LocalReceiver[],
  certificateFile?: string
): readonly string[] {
  const variables: [name: string, value: string][] = [
    ['AWS_ENDPOINT_URL', local.endpoint],
    ['AWS_REGION', local.region],
    ['AWS_ACCESS_KEY_ID', local.credentials.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', local.credentials.secretAccessKey]
  ]
  if (local.tls !== undefined && certificateFile !== undefined) {
    variables.push(
      ['SEALSTREAM_TLS_ENDPOINT_URL', local.tls.endpoint],
      ['SEALSTREAM_TLS_CERTIFICATE', resolve(certificateFile)]
    )
  }
  for (const receiver of receivers) {
    for (const [member, value] of Object.entries(local[receiver] as object)) {
      if (typeof value !== 'string') continue
      const name = `SEALSTREAM_${receiver}_${member.replace(/[A-Z]/g, '_$&')}`
      variables.push([name.toUpperCase(), value])
    }
  }
  return variables.map(([name, value]) => `export ${name}=${quoted(value)}`)
}

function quoted(value: string): string {
  return /^[\w:/.@%+=,-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`
}
