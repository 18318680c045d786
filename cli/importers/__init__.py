"""Reads lists of issuers and competency frameworks that others publish, and turns them into contents of statements.

Everything here is pure: bytes and a name for messages in; rows (or a framework) and findings out. Nothing is guessed:
an identifier is taken as written or not at all, and whatever is left out or changed is a finding with a stable code, a
sentence, and what to do. A file that is not of its kind as a whole raises `DecodeError`; what is wrong with one row or
item stays with it.

    detect      finds the format
    spreadsheet lists saved from a spreadsheet: encoding, separator, heads
    damage      text that a spreadsheet or a wrong encoding has damaged
    reading     JSON that remembers members written twice, TOML
    rows        one row of a list of issuers; the same issuer in several rows
    dcc         lists of the Digital Credentials Consortium, and the history of their changes
    own         our own formats: issuers in CSV, TOML or JSON; frameworks in TOML or JSON
    frameworks  a framework ready to be published, in parts that fit into statements
    ctdl_asn    frameworks as Credential Engine's CTDL-ASN JSON-LD
    case        frameworks as 1EdTech CASE packages
    rsd         Rich Skill Descriptors as JSON
    rdf         Turtle, RDF/XML, JSON-LD as plain nodes, with nothing fetched (the optional package of `accredit[skos]`)
    skos        frameworks, and matches between them, in SKOS
    languages   chooses one of several texts
    sheets      frameworks saved from a spreadsheet: our columns, and the exports of CASE and skill tools
    crosswalks  links between frameworks: sheets, ESCO–O*NET, AlignmentMaps, matches of SKOS, CASE associations
    report      the outcome of each row, as table, CSV or JSON
"""
