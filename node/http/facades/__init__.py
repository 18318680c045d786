"""Converts records into the formats of other ecosystems. Pure; the routes are in `node.http.routes`.

    tokens             JWTs signed with the node's web key, and keys as JWKs
    federation_claims  OpenID Federation 1.0: statements about the node, and about an issuer
    federation_events  an issuer's history as Subordinate Events

Each format expresses less than our own routes; docs/interop.md says for each what is lost, and how fresh it is.
"""
