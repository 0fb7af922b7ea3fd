/** The first page and the guides do not lie: every `sh` block is run, in order, by bash, against a fresh server. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { root } from '../repo/files.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

/** Page -> what its commands must print. */
const pages: Record<string, RegExp[]> = {
  'README.md': [/^hello, bucket$/m, /"limitedBy": ?"requested"/, /greetings\//, /url\.issue/],
  'docs/guides/audit-trail.md': [
    /X-User=demo-user/,
    /demo-user/,
    /signed up to checkpoint/,
    /says that this event existed/,
    /changed/,
  ],
  'docs/guides/retention-and-erasure.md': [
    /^audit events: 400 days$/m,
    /case-7 +alice +all/,
    /principal/,
    /[1-9]\d* are held and stay/,
    /erased, by record: the texts of [1-9]/,
    /pseudonymised: [1-9]/,
  ],
  'docs/guides/from-code.md': [/the same bytes came back/, /the same bytes: true/, /"index":1,"error":/],
  'docs/guides/guard-uploads.md': [
    /^weights arrived$/m,
    /^weights by a form$/m,
    /^too large: refused by the store$/m,
    /"contentLengthRange":"verified-after"/,
    /^failed: contentLengthRange; the object was quarantined\nexit code 1$/m,
    /"metadata":"storage"/,
  ],
  'docs/guides/redirects-and-links.md': [
    /^weights arrived$/m,
    /^weig is a part$/m,
    /^weights was written$/m,
    /^weights by a link$/m,
    /1 of 3 .*for the auditors/,
    /^leads nowhere$/m,
  ],
  'docs/guides/rotate-credentials.md': [/"reason":"bucket_refused"/, /^still works$/m, /^sealed anew: 0; /m],
  'docs/guides/restricted-prefixes.md': [
    /^payroll\/ +role viewer +alice$/m,
    /^nor does carol$/m,
    /^bob may not look$/m,
    /^march$/m,
    /prefix\.set/,
    /^opened sp:\/\/vision\/payroll\/ to the whole team$/m,
  ],
  'docs/guides/restrictions-and-budgets.md': [
    /restriction forbids this until .*: the dataset is under review/,
    /^frame$/m,
    /url\.issue.*restricted/,
    /^ended restriction /m,
    /"limitedBy": ?"policy"/,
    /at most 1048576 bytes/,
    /^alice +\d+ of 600 +no limit +6 of 5242880$/m,
    /budget is used up \(writeBytesPerDay: 10\); some of it is free in \d+ s/,
    /^removed the budget of team vision$/m,
  ],
  'docs/guides/access-review.md': [
    /^alice may write payroll\/march\.csv\. /m,
    /^bob may not read payroll\/march\.csv\. The prefix payroll\/ is restricted/m,
    /^exit code 1$/m,
    /^"username","kind","active"/m,
  ],
  'docs/guides/restrict-networks.md': [
    /^inside: a URL$/m,
    /outside_network/,
    /^note: /m,
    /"SignpostUrls"/,
    /^resource "aws_s3_bucket_cors_configuration"/m,
    /"limitedBy": ?"policy"/,
  ],
  'docs/guides/doctor.md': [
    /^pass  signature\.verified /m,
    /^local: .*as it should be/m,
    /^fail  cors\.origin /m,
    /^exit code 1$/m,
    /^\{"connector":"local"/m,
  ],
  'docs/guides/lives-and-addresses.md': [
    /"limitedBy": ?"policy"/,
    /at most 900 seconds/,
    /^for a while$/m,
    /403/,
  ],
  'docs/guides/move-a-team.md': [
    /^settling; \d copied/m,
    /^checkpoint 2$/m,
    /^3\.txt$/m,
    /"moveId"/,
    /switched to the new place/,
  ],
  'docs/guides/roles-and-keys.md': [
    /labeler +a team +no +objects\.read objects\.write objects\.delete$/m,
    /^dog$/m,
    /read in vision of labels\/\* from 127\.0\.0\.0\/8/,
    /nobody gives more than they have/,
    /nobody changes or takes over/,
    /The scope of this key/,
  ],
  'docs/guides/federation.md': [
    /^taken by jobs, for trainer\n {2}jobs: all holds$/m,
    /trainer/,
    /"token_type":"Bearer".*"scope":"read"/,
    /The scope of this key/,
    /The identity token is not taken: No trust rule takes this token/,
  ],
  'docs/guides/login.md': [/00u1abcd/, /https:\/\/acme\.okta\.com/],
  'docs/guides/revocation.md': [
    /^a secret$/m,
    /^rotate-credential +local +document +live +not said +\d+ URLs of 1 user$/m,
    /^cannot: local: all URLs are signed with one credential/m,
    /laptop was stolen \(restricted/,
    /^move-object +signpost +done +refused$/m,
    /^HTTP 404$/m,
    /revocation\.step/,
  ],
  'docs/guides/run-it.md': [/signpost_/],
  'docs/guides/scim.md': [
    /"displayName":"vision"/,
    /^ada@example\.org .*member/m,
    /"totalResults":1/,
    /^"active":false$/m,
    /user\.update/,
  ],
  'docs/guides/wandb-audit-logs.md': [
    /"action":"audit:read","actor_user_id":"[^"]+","actor_email":null,"actor_ip":null/,
    /"next_cursor":"/,
    /^"count":2$/m,
    /audit\.read .*siem/,
  ],
  'docs/guides/audit-sinks.md': [
    /^siem took it$/m,
    /user\.create allow admin/,
    /webhook http:\/\/127\.0\.0\.1:9419\/ +failing/,
    /siem did not take it/,
    /parquet in local\/trail\/ +active/,
  ],
  'docs/guides/access-logs.md': [
    /^local +the embedded store +local-store +local +\d{4}-/m,
    /^archive +bucket local\/logs\/ +local-store +local +\d{4}-/m,
    /^logs\/.*old\.log\.gz +done /m,
    /^1 new file, 1 read, 0 failed, 0 waiting$/m,
  ],
  'docs/guides/who-read-this-file.md': [
    /^vision +alice +yes +yes +yes$/m,
    /^bob +GET .*2 times/m,
    /^bob +GET .*not seen/m,
    /^bob +read .* matched$/m,
    /did +read .*\(matched\)/,
    /audit\.read/,
  ],
  'docs/guides/find-access-around-signpost.md': [
    /^secret$/m,
    /^not_issued_here +local +open +1 /m,
    /somebody uses it around Signpost/,
    /is acknowledged$/m,
    /acknowledged by .*the backup job/,
    /^whsec_/m,
  ],
  'docs/guides/hand-a-month-to-the-auditor.md': [
    /findings in month\.html/,
    /^# Access to buckets/m,
    /signed up to checkpoint/,
    /audit\.read .*erin/,
  ],
  'docs/guides/switch-logs-on.md': [
    /^this store always writes its access log$/m,
    /^pass +logging\.arrived +The access arrived by local, and was put down to its grant\.$/m,
    /^pass logs\.arriving$/m,
  ],
  'docs/guides/teams-users-keys.md': [/alice/, /^from alice$/m],
  'docs/guides/command-elsewhere.md': [],
  'docs/guides/connect-a-bucket.md': [],
  'docs/guides/connect-aws.md': [],
  'docs/guides/connect-azure.md': [],
  'docs/guides/connect-coreweave.md': [],
  'docs/guides/connect-google-cloud.md': [],
  'docs/guides/connect-s3-compatible.md': [/^a first object$/m, /SignatureDoesNotMatch\. Fix: /],
}

/** What `npx` does in a checkout, without the half second that npm takes to find that out; the first page has npm's own. */
const shortNpx = 'npx() { "./node_modules/.bin/$1" "${@:2}"; }'

function blocksOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '')
}

function pathWithout(folder: string): string {
  const ours = [folder, join(root, 'node_modules/.bin')]
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => !ours.includes(entry))
    .join(delimiter)
}

async function runPage(t: TestContext, page: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-docs-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    SIGNPOST_DATA_DIR: join(folder, 'data'),
    SIGNPOST_SECRETS_DIR: join(folder, 'secrets'),
  }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  const blocks = blocksOf(page).map((block, number) => `echo '### block ${number + 1}'\n${block}`)
  const script = ['set -euo pipefail', ...(page === 'README.md' ? [] : [shortNpx]), ...blocks]
    .join('\n')
    .replaceAll('http://127.0.0.1:8787', server.url)
  const child = spawn('bash', ['-c', script], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      HOME: folder,
      // The machine's own Node, which may be older than ours: the reader has no other.
      PATH: pathWithout(dirname(process.execPath)),
      npm_config_update_notifier: 'false',
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, `${page} failed:\n${output}`)
  return output
}

describe('what a page tells a reader to type works, in this order', { concurrency: 2 }, () => {
  for (const [page, expected] of Object.entries(pages)) {
    if (blocksOf(page).length === 0) continue
    test(page, async (t) => {
      const output = await runPage(t, page)
      for (const pattern of expected) assert.match(output, pattern)
    })
  }
})

test('every guide is run, or has nothing to run', () => {
  const guides = readdirSync(join(root, 'docs/guides')).map((name) => `docs/guides/${name}`)
  assert.deepEqual(
    guides.filter((guide) => !(guide in pages)),
    [],
  )
})
