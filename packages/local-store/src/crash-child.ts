/** Run by durability.test.ts as a process of its own, to be killed in the middle of its work. */
import { openLocalStore } from './index.ts'
import { BUCKET, CREDENTIAL } from './test-client.ts'

const store = await openLocalStore({ dataDir: process.argv[2]!, credentials: [CREDENTIAL] })
await store.createBucket(BUCKET)
process.stdout.write(`${store.endpoint}\n`)
