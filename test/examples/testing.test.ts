import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

// The examples import the package by its name: they run on the build, as at a user's. The one with vitest runs with
// the other tests.
it('runs the example with node:test', () => {
  const file = fileURLToPath(new URL('../../examples/testing/orders.node-test.js', import.meta.url))
  const { status, stdout } = spawnSync(process.execPath, ['--test', file], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '' }
  })
  expect({ status, stdout: status === 0 ? '' : stdout }).toEqual({ status: 0, stdout: '' })
})
