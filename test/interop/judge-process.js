import { spawn } from 'node:child_process'

/**
 * Starts a class of the Java judges.
 * @param {string} classpath
 * @param {string} name of the class in the package sealstream.judge
 * @param {Readonly<Record<string, unknown>>} properties
 */
export function startJudge(classpath, name, properties) {
  const all = {
    'org.slf4j.simpleLogger.defaultLogLevel': 'error',
    // The KCL 3 would look for the machine that it runs on.
    'aws.disableEc2Metadata': true,
    ...properties
  }
  return spawn(
    'java',
    [
      '-Xmx256m',
      ...Object.entries(all).map(([property, value]) => `-D${property}=${value}`),
      '-cp',
      classpath,
      `sealstream.judge.${name}`
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] }
  )
}
