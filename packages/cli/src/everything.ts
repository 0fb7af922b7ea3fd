/** All items of a list that comes page by page; at most `limit`. */
export async function everything<T>(
  items: AsyncIterable<T>,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) {
    all.push(item)
    if (all.length >= limit) break
  }
  return all
}
