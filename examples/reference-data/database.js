// Connections to RDS or Aurora for PostgreSQL, without a password: each new one brings a token that the SDK signs with the
// credentials of the process. Nothing is sent for it, and no secret is kept.
import { Signer } from '@aws-sdk/rds-signer'
import pg from 'pg'

/**
 * @param {object} given
 * @param {string} given.host the endpoint as AWS names it: the token and the certificate are for that name
 * @param {number} [given.port]
 * @param {string} given.database
 * @param {string} given.user a user of the database with the role rds_iam
 * @param {string} given.ca the authority of RDS in this region, in PEM
 * @param {string} [given.region]
 * @param {{ getAuthToken(): Promise<string> }} [given.signer]
 */
export function openDatabase({ host, port = 5432, database, user, ca, region, signer }) {
  const tokens = signer ?? new Signer({ hostname: host, port, username: user, region })
  const pool = new pg.Pool({
    host,
    port,
    database,
    user,
    // A function: a token opens connections for a quarter of an hour, and those that are open stay so.
    password: () => tokens.getAuthToken(),
    // Without `ca` that of the system would count, which does not know RDS; with `rejectUnauthorized: false` anybody could
    // stand in for the database, and take the token.
    ssl: { ca, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    max: 4,
    connectionTimeoutMillis: 5_000
  })
  // Of a connection that nothing uses. The next query brings a new one.
  pool.on('error', () => {})
  return pool
}
