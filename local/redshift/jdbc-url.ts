export interface JdbcUrl {
  readonly host: string
  readonly port: number
  readonly database: string
}

/** `jdbc:redshift://<host>:<port>/<database>`, or `jdbc:postgresql:`; undefined for anything else. */
export function parseJdbcUrl(url: string): JdbcUrl | undefined {
  const match = /^jdbc:(?:redshift|postgresql):\/\/([\w.-]+|\[::1\]):(\d{1,5})\/([\w$-]+)$/.exec(url)
  return match === null ? undefined : { host: match[1]!, port: Number(match[2]), database: match[3]! }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
