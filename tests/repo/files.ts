import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** The repository's root folder. */
export const root = join(import.meta.dirname, '..', '..')

/** Files that git knows or would add, below `under`, with forward slashes. */
export function repositoryFiles(under = '.'): string[] {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', under], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter(Boolean)
}

export function sourceFiles(under: string): string[] {
  return repositoryFiles(under).filter((file) => /\.m?tsx?$/.test(file))
}

/** Tests, and the suites and helpers that only tests import. */
export function isTestFile(file: string): boolean {
  return /\.test\.ts$|-contract\.ts$|\/testing\/|\/test-[a-z-]+\.ts$/.test(file)
}
