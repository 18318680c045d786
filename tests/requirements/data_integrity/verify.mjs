// Verifies the Data Integrity proof of each document on standard input, a line each; a line of JSON for each.
import { createInterface } from 'node:readline'
import { DataIntegrityProof } from '@digitalbazaar/data-integrity'
import { createVerifyCryptosuite } from '@digitalbazaar/eddsa-jcs-2022-cryptosuite'
import jsigs from 'jsonld-signatures'

const contexts = { '@context': 'https://w3id.org/security/multikey/v1' }
// Everything that a did:key says follows from its text.
const documentLoader = async url => {
  const [did, fragment] = url.split('#')
  if (!did.startsWith('did:key:z6Mk')) throw new Error(`not loaded: ${url}`)
  const id = `${did}#${did.slice('did:key:'.length)}`
  const method = { ...contexts, id, type: 'Multikey', controller: did, publicKeyMultibase: did.slice('did:key:'.length) }
  const document = fragment === undefined
    ? { '@context': 'https://www.w3.org/ns/did/v1', id: did, assertionMethod: [id], verificationMethod: [method] }
    : method
  return { contextUrl: null, documentUrl: url, document }
}

for await (const line of createInterface({ input: process.stdin })) {
  const suite = new DataIntegrityProof({ cryptosuite: createVerifyCryptosuite() })
  const purpose = new jsigs.purposes.AssertionProofPurpose()
  const { verified, error } = await jsigs.verify(JSON.parse(line), { suite, purpose, documentLoader })
  console.log(JSON.stringify({ verified, error: error ? String(error.errors?.[0] ?? error) : null }))
}
