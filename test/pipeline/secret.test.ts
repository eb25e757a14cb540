import { inspect } from 'node:util'
import { expect, it, vi } from 'vitest'
import { checkSecret } from '../../pipeline/secret.ts'

it('shows itself to whoever reveals it, and neither in JSON nor in a log', () => {
  const secret = checkSecret('token', 'hunter2')
  expect(secret.reveal('token')).toBe('hunter2')
  expect(JSON.stringify({ secret })).toBe('{"secret":"(secret)"}')
  expect(inspect({ secret }, { showHidden: true, depth: 9 })).not.toContain('hunter2')
  expect(`${secret}`).not.toContain('hunter2')
})

it('reads a variable when it is revealed, and names the one that is missing', () => {
  const secret = checkSecret('token', { env: 'SEALSTREAM_TEST_TOKEN' })
  expect(() => secret.reveal('destinations[1].token')).toThrow(
    'option destinations[1].token: the environment variable SEALSTREAM_TEST_TOKEN is not set'
  )
  vi.stubEnv('SEALSTREAM_TEST_TOKEN', 'hunter2')
  expect(secret.reveal('token')).toBe('hunter2')
  vi.unstubAllEnvs()
  expect(JSON.stringify(secret)).toBe('{"env":"SEALSTREAM_TEST_TOKEN"}')
})

it('takes itself, as a plan that was resolved before holds it', () => {
  const secret = checkSecret('token', 'hunter2')
  expect(checkSecret('token', secret)).toBe(secret)
})

it.each([
  [undefined],
  [''],
  [['hunter2']],
  [{ env: '' }],
  [{ env: 'A', value: 'hunter2' }],
  [{ hunter2: 1 }]
])('refuses %j without quoting it', value => {
  expect(() => checkSecret('token', value)).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(
        /^option token: expected a string that is not empty, or { env: 'NAME' }$/
      )
    })
  )
})
