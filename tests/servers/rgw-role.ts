import type { Rgw } from './rgw.ts'

export interface RgwRole {
  roleArn: string
  /** Of a user that may assume the role, and nothing else. */
  source: { type: 'static'; accessKeyId: string; secretAccessKey: string }
  /** Of a user that may not. */
  stranger: { type: 'static'; accessKeyId: string; secretAccessKey: string }
}

/** A role that may do everything in these buckets of the first user, and a user of its own that may assume it. */
export async function roleOnRgw(rgw: Rgw, buckets: readonly string[]): Promise<RgwRole> {
  const [source, stranger] = [await userOn(rgw, 'broker'), await userOn(rgw, 'stranger')]
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: ['arn:aws:iam:::user/broker'] },
    Action: ['sts:AssumeRole'],
  }
  const rights = {
    Effect: 'Allow',
    Action: ['s3:*'],
    Resource: buckets.flatMap((bucket) => [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]),
  }
  await rgw.admin(['role', 'create', '--role-name=signer', `--assume-role-policy-doc=${policy(trust)}`])
  await rgw.admin([
    'role-policy',
    'put',
    '--role-name=signer',
    '--policy-name=all',
    `--policy-doc=${policy(rights)}`,
  ])
  return { roleArn: 'arn:aws:iam:::role/signer', source, stranger }
}

async function userOn(rgw: Rgw, name: string): Promise<RgwRole['source']> {
  const made = JSON.parse(await rgw.admin(['user', 'create', `--uid=${name}`, `--display-name=${name}`])) as {
    keys: { access_key: string; secret_key: string }[]
  }
  const { access_key: accessKeyId, secret_key: secretAccessKey } = made.keys[0]!
  return { type: 'static', accessKeyId, secretAccessKey }
}

function policy(statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}
