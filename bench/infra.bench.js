// From a plan to a template, and from a template to the findings of the audit.
import { audit, catalogue, loadTemplate, planTemplate } from 'sealstream/infra'
import { rounded } from './report.js'

/** What one of them should take at most, in milliseconds, so that both can run at every build. */
const budgetMs = 50

const plan = {
  name: 'orders',
  stream: {
    readers: [{ kind: 'firehose', destination: 's3', deliveryStreamName: 'orders-direct' }]
  },
  destinations: [{ kind: 's3' }],
  network: {
    vpcId: 'vpc-0123456789abcdef0',
    subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    securityGroupIds: ['sg-0123456789abcdef0'],
    routeTableIds: ['rtb-0123456789abcdef0']
  }
}

/** @returns {Promise<import('./measure.js').Bench>} */
export async function prepare() {
  const template = planTemplate(plan)
  const text = JSON.stringify(template)
  const resources = Object.keys(template.Resources).length
  const controls = catalogue.length
  if (controls === 0) throw new Error('the catalogue is empty')
  const plans = 'plan'
  return {
    notes: [
      `a plan with a VPC and a Firehose that reads the stream: ${resources} resources, ${text.length} bytes`,
      `${controls} controls; what is read is parsed JSON`
    ],
    groups: [
      {
        name: 'a template',
        unit: 'templates',
        baseline: plans,
        watchProcess: true,
        cases: [
          {
            name: plans,
            run: times(
              () => planTemplate(plan),
              same => JSON.stringify(same) === text
            )
          },
          {
            name: 'audit',
            run: times(
              () => audit(loadTemplate(template), catalogue),
              report => report.results.length === controls
            )
          }
        ]
      }
    ],
    summary(measured) {
      const cases = measured[0]?.result.cases ?? []
      const ms = Object.fromEntries(
        cases.flatMap(({ name, opsPerSecond, process }) => [
          [`${name}Ms`, rounded(1_000 / opsPerSecond.median, 2)],
          // On a machine that others use, too, the time of the clock says more about them.
          [`${name}CpuMs`, rounded((process?.cpuUs.median ?? Number.NaN) / 1_000, 2)]
        ])
      )
      for (const { name } of cases) {
        console.log(
          `    ${name}: ${ms[`${name}Ms`]} ms, at most ${budgetMs} wanted; CPU ${ms[`${name}CpuMs`]} ms`
        )
      }
      return { resources, controls, budgetMs, ...ms }
    }
  }
}

/**
 * @template T
 * @param {() => T} once
 * @param {(result: T) => boolean} isRight of the last one
 */
function times(once, isRight) {
  return (/** @type {number} */ iterations) => {
    let last = once()
    for (let done = 1; done < iterations; done += 1) last = once()
    if (!isRight(last)) throw new Error('a wrong result')
  }
}
