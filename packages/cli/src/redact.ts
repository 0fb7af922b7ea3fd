const secretParameters =
  /((?:^|[?&\s;])(?:X-(?:Amz|Goog)-(?:Signature|Security-Token)|(?:Google)?Signature|sig)(?:=|%3D))[^&\s"'<>]+/gi
const keyIds = /((?:^|[?&\s;])(?:X-(?:Amz|Goog)-Credential|AWSAccessKeyId|GoogleAccessId)=)([^&\s"'<>]+)/gi
const apiKeys = /\b(sp_[0-9a-z]{12}_)[A-Za-z0-9_-]+/g
const bearers = /\b(Bearer\s+)[^\s"']+/gi
const tokenHeaders = /((?:^|\s)(?:x-(?:amz|goog)-security-token|authorization)\s*:).+$/gim

/**
 * Takes out of a text what would open a door: signatures, security tokens, API keys, and of an access key's id all but
 * its first letters. Names, dates and scopes stay, so that one still sees what was signed.
 */
export function redactSecrets(text: string): string {
  return text
    .replaceAll(secretParameters, '$1…')
    .replaceAll(keyIds, (_, name: string, value: string) => `${name}${cutKeyId(value)}`)
    .replaceAll(tokenHeaders, '$1…')
    .replaceAll(apiKeys, '$1…')
    .replaceAll(bearers, '$1…')
}

/** `AKIAEXAMPLE/20260101/eu-central-1/s3/aws4_request` -> `AKIA…/20260101/…`; a service account's address stays. */
function cutKeyId(credential: string): string {
  const slash = credential.search(/\/|%2F/i)
  const id = slash === -1 ? credential : credential.slice(0, slash)
  const scope = slash === -1 ? '' : credential.slice(slash)
  return /@|%40/.test(id) ? credential : `${id.slice(0, 4)}…${scope}`
}
