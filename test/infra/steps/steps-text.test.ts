import { describe, expect, it } from 'vitest'
import { planSteps, stepsAsText } from '../../../infra/index.ts'
import { hsmPlan } from '../hsm-plan.ts'
import { plans } from '../plans.ts'

const scope = { accountId: '111122223333', region: 'eu-west-1' }
const text = stepsAsText('orders', planSteps(hsmPlan, scope))
/** Of one step, from its number to the next empty line. */
const stepOf = (number: number): string =>
  text.split('\n\n').find(part => part.startsWith(`${number}. `)) ?? ''

describe('stepsAsText', () => {
  it('tells who does what with which request, what to see then, and after which steps', () => {
    const create = stepOf(9)
    expect(create).toContain('9. Create the custom key store\n')
    expect(create).toContain('by     the custodian of the keys, arn:aws:iam::111122223333:role/custodian\n')
    expect(create).toContain('call   kms CreateCustomKeyStore {\n')
    expect(create).toContain('"CustomKeyStoreName": "orders"')
    expect(create).toContain('mind   From a program that asks for the password')
    expect(create).toContain('check  kms DescribeCustomKeyStores {\n')
    expect(create).toContain('the store is there, DISCONNECTED\n')
    expect(create).toContain('after  step 4, step 8\n')
    expect(create).toMatch(/gives {2}\$\{CustomKeyStoreId\}, in the answer CustomKeyStoreId$/)
  })

  it('tells what people do by hand, and that a password is a secret', () => {
    const user = stepOf(8)
    expect(user).toContain('by     an officer of the HSMs\n')
    expect(user).toContain('do     As an admin, in the CloudHSM CLI: user create')
    expect(user).not.toContain('call ')
    expect(user).toMatch(/gives {2}\$\{KmsUserPassword\}: a secret$/)
  })

  it('has every step, and says where the names come from', () => {
    for (const { number, title } of planSteps(hsmPlan)) expect(stepOf(number)).toContain(title)
    expect(text).toMatch(
      /In place of \$\{CloudHsmCluster\.ClusterId\}: the output CloudHsmClusterId of the stack\.\n$/
    )
    expect(text).not.toContain('--account')
    expect(stepsAsText('orders', planSteps(hsmPlan))).toMatch(/which --account, .* say\.\n$/)
  })

  it('ends with the last step where nothing is left open', () => {
    expect(stepsAsText('orders', planSteps(plans.given, scope))).toMatch(/the policy is this one\n$/)
  })

  it('says that there are none', () => {
    expect(stepsAsText('orders', [])).toBe('The template makes all that the plan of orders has: no steps.\n')
  })
})
