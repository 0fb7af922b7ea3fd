/** Path of what to run as the server, from the root: built now if its sources have changed. */
export function builtServer(): Promise<string>
