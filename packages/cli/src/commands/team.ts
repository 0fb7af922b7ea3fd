export function addTeam() {}
