// Reads an OpenID Federation anchor with the field's own programs; a line of JSON for each.
//     node read.mjs ANCHOR SUBJECT ABSENT
import { RegistryClient } from '@digitalcredentials/issuer-registry-client'
import { fetchEntityConfiguration, fetchEntityStatement } from '@openid-federation/core'
import { importJWK, jwtVerify } from 'jose'

const [anchor, subject, absent] = process.argv.slice(2)
const say = (name, value) => console.log(JSON.stringify({ name, value }))

const client = new RegistryClient()
const entry = { name: 'ours', type: 'oidf', trustAnchorEC: `${anchor}/.well-known/openid-federation` }
client.use({ registries: [entry] })
say('dcc', await client.lookupIssuersFor(subject))
say('dcc absent', await client.lookupIssuersFor(absent))

client.use({ registries: [{ name: 'list', type: 'dcc-legacy', url: `${anchor}/exports/dcc-registry.json` }] })
say('list', await client.lookupIssuersFor(subject))
say('list absent', await client.lookupIssuersFor(absent))

const verifyJwtCallback = async ({ jwt, jwk }) => {
  await jwtVerify(jwt, await importJWK(jwk, 'EdDSA'))
  return true
}
const configuration = await fetchEntityConfiguration({ entityId: anchor, verifyJwtCallback })
say('configuration', configuration)
const endpoint = configuration.metadata.federation_entity.federation_fetch_endpoint
say('statement', await fetchEntityStatement({
  iss: anchor, sub: subject, endpoint, issEntityConfiguration: configuration, verifyJwtCallback
}))

// As a reader of the coming rules does: encoded once, everything verified, the subject compared byte for byte.
const url = new URL(endpoint)
url.searchParams.set('sub', subject)
const response = await fetch(url)
const key = await importJWK(configuration.jwks.keys[0], 'EdDSA')
const { payload } = await jwtVerify(await response.text(), key, { issuer: anchor, typ: 'entity-statement+jwt' })
say('strict', { sub: payload.sub, cache: response.headers.get('cache-control') })
