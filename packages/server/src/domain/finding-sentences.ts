/** What a finding means, in plain words: what happened, why we say so, and what to do. */
import type { AccessLogRecord, Finding, FindingSentences } from '@signpost/contract'

type Told = Pick<
  AccessLogRecord,
  'at' | 'finding' | 'connector' | 'username' | 'team' | 'grantId' | 'key' | 'address' | 'evidence'
>

export function findingSentences(record: Told): FindingSentences {
  const { advice, why } = ofFinding[record.finding]
  return {
    what: whatOf(record),
    why: [why(record), ...reasonOf(record), ...alsoOf(record)].join(' '),
    advice: adviceFor(record) ?? advice,
  }
}

/** Where no credential was used, none is to be looked for. */
function adviceFor({ evidence: { reason, also = [] } }: Told): string | undefined {
  if (reason !== 'anonymous') return undefined
  return also.includes('refused')
    ? 'A few are usual: whoever knows the name of the bucket can try. Many from one address: look where they come from.'
    : 'Close the bucket, and the object, to the public: look at its policy, its ACLs and its website.'
}

const verbs = {
  read: 'read',
  write: 'wrote',
  delete: 'deleted',
  list: 'listed',
  other: 'asked about',
} as const
const tries = {
  read: 'read',
  write: 'write',
  delete: 'delete',
  list: 'list',
  other: 'ask about',
} as const

function whatOf({ at, connector, username, key, address, evidence }: Told): string {
  const { action, status, succeeded } = evidence
  const isRefused = succeeded === false || (status !== undefined && status >= 400)
  const who = username ?? 'Somebody'
  const object = key === undefined ? `the bucket of ${connector}` : `${quoted(key)} (${connector})`
  const from = address === undefined ? '' : ` from ${address}`
  const did = isRefused ? `tried to ${tries[action]}` : verbs[action]
  const answer = status === undefined ? '' : `; the store answered ${status}`
  return `${who} ${did} ${object}${from} at ${at}${answer}.`
}

interface Words {
  why: (record: Told) => string
  advice: string
}

const named = ({ evidence: { claimed } }: Told) =>
  claimed?.user === undefined || claimed.user.length === 0
    ? 'nobody'
    : claimed.user.map((user) => quoted(user)).join(' and ')

const ofFinding: Record<Finding, Words> = {
  matched: { why: () => 'The URL was given by Signpost and used as it was given.', advice: 'Nothing.' },
  own: {
    why: ({ evidence: { reason } }) =>
      reason === 'store_itself'
        ? 'The store did it itself, by a rule of the bucket (lifecycle).'
        : 'It was a call of Signpost itself.',
    advice: 'Nothing.',
  },
  refused: {
    why: (record) =>
      record.evidence.reason === 'anonymous'
        ? 'The store refused it.'
        : `The store refused it, so whom its URL names (${named(record)}) proves nothing.`,
    advice: 'A few are usual. Many from one address: somebody may be trying; look where they come from.',
  },
  not_issued_here: {
    why: () => 'It was not by a URL that Signpost gave.',
    advice:
      'Find out who holds a credential of this bucket. If it is the credential of Signpost, rotate it; if another, take it away, or let only Signpost in (signpost network plan).',
  },
  user_mismatch: {
    why: (record) => `Its URL names ${named(record)}, and the URL was given to somebody else.`,
    advice:
      'Whoever holds the key that signs can write such URLs: rotate the credential of this connector, and ask who had it.',
  },
  marker_tampered: {
    why: (record) =>
      `What names the requester in its URL is not as Signpost writes it; it names ${named(record)}.`,
    advice:
      'Put it down to nobody. Look at who held URLs for this object then (signpost who), and who uses this address otherwise.',
  },
  after_expiry: {
    why: () => 'The URL had ended.',
    advice:
      'If the store let it through, check its clock and that of Signpost; else somebody keeps old URLs.',
  },
  beyond_grant: {
    why: () => 'The URL was given for something else.',
    advice: 'Find out what was asked of whoever got the URL; this store lets more through than the URL says.',
  },
  outside_network: {
    why: () => 'It came from outside the networks that the URL was for.',
    advice:
      'Ask whose address it is. If the URL was copied, stop the user (signpost revoke) and see what else was read.',
  },
  after_revocation: {
    why: () => 'Whoever the URL was given to had been stopped before.',
    advice:
      'URLs live on until they end. If that is too long, cut deeper: signpost revoke --help tells what each step stops.',
  },
  likely: {
    why: () => 'The log does not say by which URL it was; these had one that fits.',
    advice: 'Not proven. Switch on a log that holds the URL, if the store has one (signpost connector show).',
  },
}

/** By the stable word of the rule that decided. */
const reasons: Readonly<Record<string, string>> = {
  anonymous: 'Nobody had signed it.',
  direct_credential: 'It was signed by a credential directly, without a URL.',
  other_signer: 'Another credential signed it than the one that signed the URL of that name.',
  other_signature: 'It was signed at another time, or for another time, than the URL of that name.',
  unknown_grant: 'The grant that it names is not in the record.',
  unknown_user: 'The user that it names is not known.',
  no_grant: 'Nobody had a URL for it then.',
  no_marker: 'It carries no name, and Signpost writes one into each of its URLs.',
  before_issue: 'The URL was given only after it.',
  unsigned: 'The log does not show that the store checked a signature over the name.',
  untold: 'The log tells too little to say more.',
  grants_of_others: 'Only others had URLs for it then.',
  other_user: 'The grant was given to another user than the one that the URL names.',
  other_bucket: 'The URL was for another bucket.',
  other_store: 'The URL was given for a bucket of the same name in another place.',
  other_key: 'The URL was for another object.',
  other_action: 'The URL was for another action.',
  other_method: 'The URL was for another method.',
  copy: 'It copied an object, which the URL was not for.',
  size: 'More was written than the URL allowed.',
  part: 'It was another part of an upload than the URL was for.',
  upload: 'It was another upload than the URL was for.',
  expired: 'It came after the instant that the URL itself names.',
  user_deactivated: 'The user had been deactivated.',
  user_deleted: 'The user had been deleted.',
  key_deleted: 'The API key that asked for the URL had been deleted.',
  restricted: 'A restriction was in force.',
  revoked: 'A revocation had been carried out.',
  refused_by_store: 'The store did not take the URL.',
  object_and_time: 'They had a URL for this object at that time.',
}

function reasonOf({ evidence: { reason } }: Told): string[] {
  const sentence = Object.hasOwn(reasons, reason) ? reasons[reason] : undefined
  return sentence === undefined ? [] : [sentence]
}

function alsoOf({
  evidence: { also = [], candidates = [], expected, reason, signers = [] },
}: Told): string[] {
  const lines: string[] = []
  if (reason === 'anonymous' && !also.includes('refused'))
    lines.push('The bucket, or this object, is open to everybody.')
  if (also.includes('own_credential'))
    lines.push('The credential is the one that Signpost signs with: somebody uses it around Signpost.')
  else if (signers.length > 0) lines.push(`Signed by ${signers.map((one) => quoted(one)).join(', ')}.`)
  if (expected !== undefined)
    for (const [name, value] of Object.entries(expected))
      lines.push(`By the grant, ${name} is ${typeof value === 'string' ? quoted(value) : String(value)}.`)
  if (candidates.length > 0) {
    const names = [...new Set(candidates.map(({ username }) => username))]
    lines.push(`It may have been ${names.join(' or ')}: a claim, not a proof.`)
  }
  return lines
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
