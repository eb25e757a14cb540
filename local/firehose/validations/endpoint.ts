import { invalid } from './shape.ts'

/**
 * The address without a slash at its end. The service takes `https:` alone; `http:` goes as well here, or nothing that
 * listens on loopback could be delivered to.
 */
export function endpointUrl(endpoint: string, member: string): string {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw invalid(`${member} is not an address of http or https.`)
  }
  const { username, password } = new URL(endpoint)
  if (username !== '' || password !== '') throw invalid(`${member} must not hold credentials.`)
  return endpoint.replace(/\/$/, '')
}
