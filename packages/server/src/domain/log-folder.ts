/** A folder of the server that logs are read from: nothing outside of it is ever opened. */

export interface FileOnServer {
  /** Relative to the folder. */
  name: string
  /** The file, whatever its name is. */
  id: string
  sizeBytes: number
  /** ms since the epoch */
  modifiedAt: number
}

/** Errors are `SignpostError` `invalid` that name the path. */
export interface LogFolder {
  /** The file at this path, or those in the folder at it, the oldest first. Links are not followed. */
  list(path: string): Promise<FileOnServer[]>
  /** Bytes from `from` (inclusive) to `to` (exclusive) of this very file. */
  read(
    file: Pick<FileOnServer, 'name' | 'id'>,
    range: { from: number; to: number },
  ): AsyncIterable<Uint8Array>
  /** What comes by a socket, until it is silent for so long or has said so much. */
  listen(
    path: string,
    limits: { silenceMs: number; lastsMs: number; bytesMax: number; signal: AbortSignal },
  ): AsyncIterable<Uint8Array>
}

/** Where logs on this server are read from; left out: nowhere. */
export interface LogFolders {
  /** SIGNPOST_LOGS_DIR */
  given?: LogFolder
  /** Of the embedded store; its log is `access.log`. */
  localStore?: LogFolder
}
