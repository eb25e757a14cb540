import { readFile } from 'node:fs/promises'
import { EngineStartError } from '../testing/errors.ts'

export interface User {
  readonly uid: number
  readonly gid: number
}

/**
 * Who runs PostgreSQL, which refuses to run as root: a user that the system has already, `nobody` where there is one.
 * initdb looks its name up, so not any number will do.
 */
export async function unprivilegedUser(passwd = '/etc/passwd'): Promise<User> {
  const users = (await readFile(passwd, 'utf8').catch(() => ''))
    .split('\n')
    .map(line => /^([^#:]+):[^:]*:(-?\d+):(-?\d+):/.exec(line))
    // Negative numbers, as macOS has them, are 32 bits without a sign.
    .flatMap(match =>
      match === null ? [] : [{ name: match[1], uid: +match[2]! >>> 0, gid: +match[3]! >>> 0 }]
    )
    .filter(({ uid }) => uid !== 0)
  const user = users.find(({ name }) => name === 'nobody') ?? users[0]
  if (user === undefined) {
    throw new EngineStartError(
      'failed',
      'PostgreSQL does not run as root, and there is no other user: run as another one, or give receiverOptions.redshift.url'
    )
  }
  return { uid: user.uid, gid: user.gid }
}
