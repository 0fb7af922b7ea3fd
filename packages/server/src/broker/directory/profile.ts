/** What a directory says of a user or a team beyond the columns, as it is stored. */

export interface PersonName {
  formatted?: string
  familyName?: string
  givenName?: string
  middleName?: string
  honorificPrefix?: string
  honorificSuffix?: string
}

export interface Email {
  value: string
  type?: string
  primary?: boolean
  display?: string
}

export interface UserProfile {
  name?: PersonName
  emails?: readonly Email[]
}

export interface TeamProfile {
  /** Role of members that the directory adds without saying which. */
  memberRole?: string
}

/** Empty text: nothing. */
export function profileText(profile: UserProfile | TeamProfile): string {
  const text = JSON.stringify(profile)
  return text === '{}' ? '' : text
}

export function storedProfile<Profile extends UserProfile | TeamProfile>(text: string): Profile {
  return (text === '' ? {} : JSON.parse(text)) as Profile
}
