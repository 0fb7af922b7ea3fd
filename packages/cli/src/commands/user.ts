export function addUser() {}
