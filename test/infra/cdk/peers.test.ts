import { describe, expect, it } from 'vitest'

describe('the peers of sealstream/infra/cdk', () => {
  it('are named with the line that installs them where they are missing', async () => {
    await expect(import('../../../infra/cdk/index.ts')).rejects.toMatchObject({
      message:
        'sealstream/infra/cdk needs the packages aws-cdk-lib and constructs: npm i aws-cdk-lib constructs',
      cause: { code: 'MODULE_NOT_FOUND' }
    })
  })
})
