export function addConnector() {}
