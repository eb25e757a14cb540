import { expect, it, onTestFinished } from 'vitest'
import { startDemoEngines } from '../../cli/demo-destinations.ts'
import { openLocal } from '../helpers/local.ts'

it('leaves Redshift out, with the reason, where no PostgreSQL can stand for it', async () => {
  // Nobody listens there.
  const redshift = { url: 'postgresql://u:hunter2@127.0.0.1:1/dev' }
  const started = await startDemoEngines({ receiverOptions: { redshift } }, { name: 'o' })
  const { local, plan, sources, unavailable } = started
  onTestFinished(() => local.close())
  expect(plan.destinations?.map(({ kind }) => kind)).toEqual(['s3', 'elasticsearch', 'splunk'])
  expect(sources.rows).toBeUndefined()
  expect(unavailable).toEqual({ redshift: expect.stringContaining('ECONNREFUSED') })
  expect(unavailable.redshift).not.toContain('hunter2')
})

it('does not take another failure for a missing PostgreSQL', async () => {
  const local = await openLocal()
  const port = Number(new URL(local.endpoint).port)
  await expect(startDemoEngines({ port }, { name: 'o' })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
