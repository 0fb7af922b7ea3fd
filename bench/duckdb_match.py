"""The same join in DuckDB, on one thread: how many lines of S3's access log use a grant as it was given, and the CPU that took.

python3 duckdb_match.py GRANTS: for each name of a file on standard input one line, a JSON object. Its grants are those of
`correlation-data.ts`, in columns of a table of DuckDB's own, where Signpost reads the events of its trail.
"""

import json
import os
import sys
import tempfile

import duckdb

DAY_START_MS = 1795424400000  # `dayStart` of testing/s3-log.ts

def grants_table(db: duckdb.DuckDBPyConnection, grants: int) -> None:
    db.execute(
        f"""create table grants as select
          '0193569c-0000-7000-8000-' || lpad(i::varchar, 12, '0') as grant_id,
          epoch_ms({DAY_START_MS} + i * 10) as issued_at,
          epoch_ms(({DAY_START_MS} + i * 10) // 1000 * 1000 + 3600000) as expires_at,
          'team-data' as bucket, 'vision/run-' || i || '/model.bin' as object_key, 'GET' as method,
          'user-' || (i % 10) as marker, 'AKIDEXAMPLE' as signer
        from range({grants}) as numbers (i)"""
    )


# Split at blanks and `&`: one regular expression for the line takes five times as long.
QUERY = """
with split as (
  select string_split(line, ' ') as f from read_csv(
    $file, columns={'line': 'varchar'}, delim='\\x01', quote='', escape='', header=false, auto_detect=false)
), parameters as (
  select f, split_part(f[11], '?', 1) as path, string_split(split_part(f[11], '?', 2), '&') as q from split
), accesses as (
  select f[2] as bucket, f[9] as object_key, ltrim(f[10], '"') as method, f[13] as status, path,
    strptime(f[3], '[%d/%b/%Y:%H:%M:%S') as used_at,
    split_part(substr(q[2], 18), '%2F', 1) as signer, strptime(substr(q[3], 12), '%Y%m%dT%H%M%SZ') as signed,
    substr(q[4], 15)::bigint as expires, substr(q[6], 9) as grant_id, substr(q[7], 8) as username
  from parameters
  where q[1] = 'X-Amz-Algorithm=AWS4-HMAC-SHA256' and q[2] like 'X-Amz-Credential=%' and q[3] like 'X-Amz-Date=%'
    and q[4] like 'X-Amz-Expires=%' and q[6] like 'X-Grant=%' and q[7] like 'X-User=%'
)
select count(*) from accesses as a join grants as g on g.grant_id = a.grant_id
where a.bucket = g.bucket and a.object_key = g.object_key and a.path = '/' || g.object_key and a.method = g.method
  and a.signer = g.signer and a.username = g.marker and a.status = '200'
  and a.signed = date_trunc('second', g.issued_at) and a.signed + to_seconds(a.expires) = g.expires_at
  and a.used_at >= g.issued_at - interval 1 minute and a.used_at <= g.expires_at + interval 1 minute
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        db = duckdb.connect(os.path.join(folder, "grants.duckdb"), config={"threads": 1})
        grants_table(db, int(sys.argv[1]))
        for file in sys.stdin:
            before = os.times()
            row = db.execute(QUERY, {"file": file.strip()}).fetchone()
            after = os.times()
            cpu = after.user + after.system - before.user - before.system
            print(json.dumps({"matched": row[0] if row else 0, "cpuSeconds": cpu}), flush=True)
        db.close()


main()
