import { expect, it, onTestFinished } from 'vitest'
import { startDemoEngines } from '../../cli/demo-destinations.ts'

it('leaves Redshift out, with the reason, where no PostgreSQL can stand for it', async () => {
  const { local, destinations, sources, unavailable } = await startDemoEngines({
    // Nobody listens there.
    receiverOptions: { redshift: { url: 'postgresql://u:hunter2@127.0.0.1:1/dev' } }
  })
  onTestFinished(() => local.close())
  expect(destinations.map(({ kind }) => kind)).toEqual(['s3', 'elasticsearch', 'splunk'])
  expect(sources.rows).toBeUndefined()
  expect(unavailable).toEqual({ redshift: expect.stringContaining('ECONNREFUSED') })
  expect(unavailable.redshift).not.toContain('hunter2')
})

it('does not take another failure for a missing PostgreSQL', async () => {
  const first = await startDemoEngines({
    receiverOptions: { redshift: { url: 'postgresql://127.0.0.1:1/d' } }
  })
  onTestFinished(() => first.local.close())
  const port = Number(new URL(first.local.endpoint).port)
  await expect(startDemoEngines({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
