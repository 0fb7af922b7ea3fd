/** aws4 comes without types; this much is used here. */
declare module 'aws4' {
  interface SigningRequest {
    host: string
    path: string
    service: string
    region: string
    signQuery: boolean
  }
  const aws4: {
    sign(
      request: SigningRequest,
      credential: { accessKeyId: string; secretAccessKey: string },
    ): SigningRequest
  }
  // oxlint-disable-next-line import/no-default-export -- the library's own shape
  export default aws4
}
