"""The terms of the JSON-LD contexts that credentials name, as facts: which word stands for which IRI.

A context is pinned here, so that nobody can change what a word means after a credential was signed, and nothing has to
be fetched. `contexts` makes JSON-LD of this table, which has for each context

    address [like ADDRESS]          the terms of the other one, but for what follows
        term IRI [@type=…] [@container=…]
            term IRI …              what holds within it (a scoped context)
        - term                      one that the other has and this has not
        @protected true             a keyword of JSON-LD

`{name}` stands for the beginning of an IRI that the first lines give. Facts from the W3C, 1EdTech, the Digital Bazaar
suites and the Digital Credentials Consortium; a test compares them with the published files.
"""

from typing import Final

TERMS: Final = """\
ob = https://purl.imsglobal.org/spec/vc/ob/vocab.html#
clr = https://purl.imsglobal.org/spec/vc/clr/vocab.html#
xsd = http://www.w3.org/2001/XMLSchema#
xsds = https://www.w3.org/2001/XMLSchema#
schema = https://schema.org/
schema1 = http://schema.org/
sec = https://w3id.org/security#
cred = https://www.w3.org/2018/credentials#
status = https://www.w3.org/ns/credentials/status#
dcc = https://w3id.org/dcc/v1#
ims = https://purl.imsglobal.org/spec/

https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json
    @protected true
    id @id
    type @type
    OpenBadgeCredential {ob}OpenBadgeCredential
    Achievement {ob}Achievement
        @protected true
        id @id
        type @type
        achievementType {ob}achievementType
        alignment {ob}alignment @container=@set
        creator {ob}creator
        creditsAvailable {ob}creditsAvailable @type={xsds}float
        criteria {ob}Criteria @type=@id
        fieldOfStudy {ob}fieldOfStudy
        humanCode {ob}humanCode
        image {ob}image @type=@id
        otherIdentifier {ob}otherIdentifier @container=@set
        related {ob}related @container=@set
        resultDescription {ob}resultDescription @container=@set
        specialization {ob}specialization
        tag {schema}keywords @container=@set
        version {ob}version
        inLanguage {schema}inLanguage
    AchievementCredential OpenBadgeCredential
    AchievementSubject {ob}AchievementSubject
        @protected true
        id @id
        type @type
        achievement {ob}achievement
        activityEndDate {ob}activityEndDate @type={xsds}date
        activityStartDate {ob}activityStartDate @type={xsds}date
        creditsEarned {ob}creditsEarned @type={xsds}float
        identifier {ob}identifier @container=@set
        image {ob}image @type=@id
        licenseNumber {ob}licenseNumber
        result {ob}result @container=@set
        role {ob}role
        source {ob}source @type=@id
        term {ob}term
    Address {ob}Address
        @protected true
        id @id
        type @type
        addressCountry {schema}addressCountry
        addressCountryCode {ob}CountryCode
        addressLocality {schema}addressLocality
        addressRegion {schema}addressRegion
        geo {ob}GeoCoordinates
        postOfficeBoxNumber {schema}postOfficeBoxNumber
        postalCode {schema}postalCode
        streetAddress {schema}streetAddress
    Alignment {schema}AlignmentObject
        @protected true
        id @id
        type @type
        targetCode {ob}targetCode
        targetDescription {schema}targetDescription
        targetFramework {schema}targetFramework
        targetName {schema}targetName
        targetType {ob}targetType
        targetUrl {schema}targetUrl @type={xsds}anyURI
    Criteria {ob}Criteria
    EndorsementCredential {ob}EndorsementCredential
    EndorsementSubject {ob}EndorsementSubject
        @protected true
        id @id
        type @type
        endorsementComment {ob}endorsementComment
    Evidence {ob}Evidence
        @protected true
        id @id
        type @type
        audience {schema}audience
        genre {schema}genre
    GeoCoordinates {ob}GeoCoordinates
        @protected true
        id @id
        type @type
        latitude {schema}latitude
        longitude {schema}longitude
    IdentifierEntry {ob}IdentifierEntry
        @protected true
        id @id
        type @type
        identifier {ob}identifier
        identifierType {ob}identifierType
    IdentityObject {ob}IdentityObject
        @protected true
        id @id
        type @type
        hashed {ob}hashed @type={xsds}boolean
        identityHash {ob}identityHash
        identityType {ob}identityType
        salt {ob}salt
    Image {ob}Image
        @protected true
        id @id
        type @type
        caption {schema}caption
    Profile {ob}Profile
        @protected true
        id @id
        type @type
        additionalName {schema}additionalName
        address {ob}address @type=@id
        dateOfBirth {ob}dateOfBirth @type={xsds}date
        email {schema}email
        familyName {schema}familyName
        familyNamePrefix {ob}familyNamePrefix
        givenName {schema}givenName
        honorificPrefix {schema}honorificPrefix
        honorificSuffix {schema}honorificSuffix
        image {ob}image @type=@id
        otherIdentifier {ob}otherIdentifier @container=@set
        parentOrg {ob}parentOrg @type=@id
        patronymicName {ob}patronymicName
        phone {ob}phone
        official {ob}official
    Related {ob}Related
        @protected true
        id @id
        type @type
        version {ob}version
        inLanguage {schema}inLanguage
    Result {ob}Result
        @protected true
        id @id
        type @type
        achievedLevel {ob}achievedLevel @type={xsds}anyURI
        resultDescription {ob}resultDescription @type={xsds}anyURI
        status {ob}status
        value {schema}value
    ResultDescription {ob}ResultDescription
        @protected true
        id @id
        type @type
        allowedValue {ob}allowedValue @container=@list
        requiredLevel {ob}requiredLevel @type={xsds}anyURI
        requiredValue {ob}requiredValue
        resultType {ob}resultType
        rubricCriterionLevel {ob}rubricCriterionLevel @container=@set
        valueMax {ob}valueMax
        valueMin {ob}valueMin
    RubricCriterionLevel {ob}RubricCriterionLevel
        @protected true
        id @id
        type @type
        level {ob}level
        points {ob}points
    alignment {ob}alignment @container=@set
    description {schema}description
    endorsement {ob}endorsement @container=@set
    endorsementJwt {ob}endorsementJwt @container=@set
    image {ob}image @type=@id
    inLanguage {schema}inLanguage
    name {schema}name
    narrative {ob}narrative
    url {schema}url @type={xsds}anyURI
    awardedDate {ob}awardedDate @type=xsd:dateTime
    jti https://www.iana.org/assignments/jwt#jti @type=@id

https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json like https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json
    - endorsementJwt
    - inLanguage
    - awardedDate
    - jti
    Achievement {ob}Achievement
        - inLanguage
        image {ob}Image @type=@id
    AchievementSubject {ob}AchievementSubject
        achievement {ob}achievement-0
        image {ob}Image @type=@id
    Profile {ob}Profile
        image {ob}Image @type=@id
    Related {ob}Related
        - inLanguage
    image {ob}Image @type=@id

https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json
    id @id
    type @type
    xsd {xsds}
    OpenBadgeCredential {ob}OpenBadgeCredential
    Achievement {ob}Achievement
        achievementType {ob}achievementType @type=xsd:string
        alignment {ob}alignment @container=@set
        creator {ob}creator
        creditsAvailable {ob}creditsAvailable @type=xsd:float
        criteria {ob}Criteria @type=@id
        fieldOfStudy {ob}fieldOfStudy @type=xsd:string
        humanCode {ob}humanCode @type=xsd:string
        image {ob}Image @type=@id
        otherIdentifier {ob}otherIdentifier @container=@set
        related {ob}related @container=@set
        resultDescription {ob}resultDescription @container=@set
        specialization {ob}specialization @type=xsd:string
        tag {schema}keywords @type=xsd:string @container=@set
        version {ob}version @type=xsd:string
    AchievementCredential OpenBadgeCredential
    AchievementSubject {ob}AchievementSubject
        achievement {ob}achievement-0
        activityEndDate {ob}activityEndDate @type=xsd:date
        activityStartDate {ob}activityStartDate @type=xsd:date
        creditsEarned {ob}creditsEarned @type=xsd:float
        identifier {ob}identifier @container=@set
        image {ob}Image @type=@id
        licenseNumber {ob}licenseNumber @type=xsd:string
        result {ob}result @container=@set
        role {ob}role @type=xsd:string
        source {ob}source @type=@id
        term {ob}term @type=xsd:string
    Address {ob}Address
        addressCountry {schema}addressCountry @type=xsd:string
        addressCountryCode {ob}CountryCode @type=xsd:string
        addressLocality {schema}addressLocality @type=xsd:string
        addressRegion {schema}addressRegion @type=xsd:string
        geo {ob}GeoCoordinates
        postOfficeBoxNumber {schema}postOfficeBoxNumber @type=xsd:string
        postalCode {schema}postalCode @type=xsd:string
        streetAddress {schema}streetAddress @type=xsd:string
    Alignment {schema}AlignmentObject
        targetCode {ob}targetCode @type=xsd:string
        targetDescription {schema}targetDescription @type=xsd:string
        targetFramework {schema}targetFramework @type=xsd:string
        targetName {schema}targetName @type=xsd:string
        targetType {ob}targetType @type=xsd:string
        targetUrl {schema}targetUrl @type=xsd:anyURI
    Criteria {ob}Criteria
    EndorsementCredential {ob}EndorsementCredential
    EndorsementSubject {ob}EndorsementSubject
        endorsementComment {ob}endorsementComment @type=xsd:string
    Evidence {ob}Evidence
        audience {schema}audience @type=xsd:string
        genre {schema}genre @type=xsd:string
    GeoCoordinates {ob}GeoCoordinates
        latitude {schema}latitude @type=xsd:string
        longitude {schema}longitude @type=xsd:string
    IdentifierEntry {ob}IdentifierEntry
        identifier {ob}identifier @type=xsd:string
        identifierType {ob}identifierType @type=xsd:string
    IdentityObject {ob}IdentityObject
        hashed {ob}hashed @type=xsd:boolean
        identityHash {ob}identityHash @type=xsd:string
        identityType {ob}identityType @type=xsd:string
        salt {ob}salt @type=xsd:string
    Image {ob}Image
        caption {schema}caption @type=xsd:string
    Profile {ob}Profile
        additionalName {schema}additionalName @type=xsd:string
        address {ob}address @type=@id
        dateOfBirth {ob}dateOfBirth @type=xsd:date
        email {schema}email @type=xsd:string
        familyName {schema}familyName @type=xsd:string
        familyNamePrefix {ob}familyNamePrefix @type=xsd:string
        givenName {schema}givenName @type=xsd:string
        honorificPrefix {schema}honorificPrefix @type=xsd:string
        honorificSuffix {schema}honorificSuffix @type=xsd:string
        image {ob}Image @type=@id
        otherIdentifier {ob}otherIdentifier @container=@set
        parentOrg {ob}parentOrg @type=@id
        patronymicName {ob}patronymicName @type=xsd:string
        phone {ob}phone @type=xsd:string
        official {ob}official @type=xsd:string
    Related {ob}Related
        version {ob}version @type=xsd:string
    Result {ob}Result
        achievedLevel {ob}achievedLevel @type=xsd:anyURI
        resultDescription {ob}resultDescription @type=xsd:anyURI
        status {ob}status @type=xsd:string
        value {schema}value @type=xsd:string
    ResultDescription {ob}ResultDescription
        allowedValue {ob}allowedValue @type=xsd:string @container=@set
        requiredLevel {ob}requiredLevel @type=xsd:anyURI
        requiredValue {ob}requiredValue @type=xsd:string
        resultType {ob}resultType @type=xsd:string
        rubricCriterionLevel {ob}rubricCriterionLevel @container=@set
        valueMax {ob}valueMax @type=xsd:string
        valueMin {ob}valueMin @type=xsd:string
    RubricCriterionLevel {ob}RubricCriterionLevel
        level {ob}level @type=xsd:string
        points {ob}points @type=xsd:string
    alignment {ob}alignment @container=@set
    awardedDate {ob}awardedDate @type=xsd:dateTime
    description {schema}description @type=xsd:string
    endorsement {ob}endorsement @container=@set
    image {ob}image @type=@id
    name {schema}name @type=xsd:string
    narrative {ob}narrative @type=xsd:string
    url {schema}url @type=xsd:anyURI

https://purl.imsglobal.org/spec/ob/v3p0/context.json like https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json
    - awardedDate
    Achievement {ob}Achievement
        - image
        alignment {ob}alignment @type={ob}Alignment @container=@set
        creator {ob}Profile
        otherIdentifier {ob}otherIdentifier @type={ob}IdentifierEntry @container=@set
        related {ob}related @type={ob}Related @container=@set
        resultDescription {ob}resultDescription @type={ob}ResultDescription @container=@set
    AchievementSubject {ob}AchievementSubject
        - image
        achievement {ob}Achievement
        identifier {ob}identifier @type={ob}IdentityObject @container=@set
        result {ob}result @type={ob}Result @container=@set
        source {ob}source @type={ob}Profile
    Alignment {schema}Alignment
    Profile {ob}Profile
        - image
        address {ob}Address
        otherIdentifier {ob}otherIdentifier @type={ob}IdentifierEntry @container=@set
        parentOrg {ob}parentOrg @type=xsd:string
        phone {ob}PhoneNumber @type=xsd:string
    ResultDescription {ob}ResultDescription
        rubricCriterionLevel {ob}rubricCriterionLevel @type={ob}RubricCriterionLevel @container=@set
    alignment {ob}alignment @type={ob}Alignment @container=@set
    endorsement {ob}endorsement @type={ob}EndorsementCredential @container=@set
    image {ob}image @type={ob}Image

https://purl.imsglobal.org/spec/ob/v3p0/extensions.json
    id @id
    type @type
    1EdTechJsonSchemaValidator2019 {ims}vccs/v1p0/context.json#1EdTechJsonSchemaValidator2019
    1EdTechRevocationList {ims}vcrl/v1p0/context.json#1EdTechRevocationList
    1EdTechCredentialRefresh {ims}vccr/v1p0/context.json#1EdTechCredentialRefresh

https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json
    id @id
    type @type
    ClrCredential {clr}ClrCredential
        id @id
        type @type
        partial {clr}partial @type=xsd:boolean
    ClrSubject {clr}ClrSubject
        id @id
        type @type
        cred {cred}
        obi {ob}
        achievement {clr}achievement @type=obi:Achievement @container=@set
        association {clr}association @type={clr}Association @container=@set
        verifiableCredential {clr}verifiableCredential @type=cred:verifiableCredential @container=@set
        identifier {clr}identifier-1 @type=obi:Identifier @container=@set
    Association {clr}Association
        associationType {clr}AssociationType
        sourceId {clr}sourceId @type=xsd:anyURI
        targetId {clr}targetId @type=xsd:anyURI

https://purl.imsglobal.org/spec/clr/v2p0/context.json like https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json
    ClrCredential {clr}ClrCredential
        - partial
    ClrSubject {clr}ClrSubject
        - identifier
        obi {ims}ob/v3p0/vocab.html#

https://www.w3.org/2018/credentials/v1
    @version 1.1
    @protected true
    id @id
    type @type
    VerifiableCredential {cred}VerifiableCredential
        @version 1.1
        @protected true
        id @id
        type @type
        cred {cred}
        sec {sec}
        xsd {xsd}
        credentialSchema cred:credentialSchema @type=@id
            @version 1.1
            @protected true
            id @id
            type @type
            cred {cred}
            JsonSchemaValidator2018 cred:JsonSchemaValidator2018
        credentialStatus cred:credentialStatus @type=@id
        credentialSubject cred:credentialSubject @type=@id
        evidence cred:evidence @type=@id
        expirationDate cred:expirationDate @type=xsd:dateTime
        holder cred:holder @type=@id
        issued cred:issued @type=xsd:dateTime
        issuer cred:issuer @type=@id
        issuanceDate cred:issuanceDate @type=xsd:dateTime
        proof sec:proof @type=@id @container=@graph
        refreshService cred:refreshService @type=@id
            @version 1.1
            @protected true
            id @id
            type @type
            cred {cred}
            ManualRefreshService2018 cred:ManualRefreshService2018
        termsOfUse cred:termsOfUse @type=@id
        validFrom cred:validFrom @type=xsd:dateTime
        validUntil cred:validUntil @type=xsd:dateTime
    VerifiablePresentation {cred}VerifiablePresentation
        @version 1.1
        @protected true
        id @id
        type @type
        cred {cred}
        sec {sec}
        holder cred:holder @type=@id
        proof sec:proof @type=@id @container=@graph
        verifiableCredential cred:verifiableCredential @type=@id @container=@graph
    EcdsaSecp256k1Signature2019 {sec}EcdsaSecp256k1Signature2019
        @version 1.1
        @protected true
        id @id
        type @type
        sec {sec}
        xsd {xsd}
        challenge sec:challenge
        created http://purl.org/dc/terms/created @type=xsd:dateTime
        domain sec:domain
        expires sec:expiration @type=xsd:dateTime
        jws sec:jws
        nonce sec:nonce
        proofPurpose sec:proofPurpose @type=@vocab
            @version 1.1
            @protected true
            id @id
            type @type
            sec {sec}
            assertionMethod sec:assertionMethod @type=@id @container=@set
            authentication sec:authenticationMethod @type=@id @container=@set
        proofValue sec:proofValue
        verificationMethod sec:verificationMethod @type=@id
    EcdsaSecp256r1Signature2019 {sec}EcdsaSecp256r1Signature2019
        @version 1.1
        @protected true
        id @id
        type @type
        sec {sec}
        xsd {xsd}
        challenge sec:challenge
        created http://purl.org/dc/terms/created @type=xsd:dateTime
        domain sec:domain
        expires sec:expiration @type=xsd:dateTime
        jws sec:jws
        nonce sec:nonce
        proofPurpose sec:proofPurpose @type=@vocab
            @version 1.1
            @protected true
            id @id
            type @type
            sec {sec}
            assertionMethod sec:assertionMethod @type=@id @container=@set
            authentication sec:authenticationMethod @type=@id @container=@set
        proofValue sec:proofValue
        verificationMethod sec:verificationMethod @type=@id
    Ed25519Signature2018 {sec}Ed25519Signature2018
        @version 1.1
        @protected true
        id @id
        type @type
        sec {sec}
        xsd {xsd}
        challenge sec:challenge
        created http://purl.org/dc/terms/created @type=xsd:dateTime
        domain sec:domain
        expires sec:expiration @type=xsd:dateTime
        jws sec:jws
        nonce sec:nonce
        proofPurpose sec:proofPurpose @type=@vocab
            @version 1.1
            @protected true
            id @id
            type @type
            sec {sec}
            assertionMethod sec:assertionMethod @type=@id @container=@set
            authentication sec:authenticationMethod @type=@id @container=@set
        proofValue sec:proofValue
        verificationMethod sec:verificationMethod @type=@id
    RsaSignature2018 {sec}RsaSignature2018
        @version 1.1
        @protected true
        challenge sec:challenge
        created http://purl.org/dc/terms/created @type=xsd:dateTime
        domain sec:domain
        expires sec:expiration @type=xsd:dateTime
        jws sec:jws
        nonce sec:nonce
        proofPurpose sec:proofPurpose @type=@vocab
            @version 1.1
            @protected true
            id @id
            type @type
            sec {sec}
            assertionMethod sec:assertionMethod @type=@id @container=@set
            authentication sec:authenticationMethod @type=@id @container=@set
        proofValue sec:proofValue
        verificationMethod sec:verificationMethod @type=@id
    proof {sec}proof @type=@id @container=@graph

https://www.w3.org/ns/credentials/v2
    @protected true
    id @id
    type @type
    description {schema}description
    digestMultibase {sec}digestMultibase @type={sec}multibase
    digestSRI {cred}digestSRI @type={cred}sriString
    mediaType {schema}encodingFormat
    name {schema}name
    VerifiableCredential {cred}VerifiableCredential
        @protected true
        id @id
        type @type
        confidenceMethod {cred}confidenceMethod @type=@id
        credentialSchema {cred}credentialSchema @type=@id
        credentialStatus {cred}credentialStatus @type=@id
        credentialSubject {cred}credentialSubject @type=@id
        description {schema}description
        evidence {cred}evidence @type=@id
        issuer {cred}issuer @type=@id
        name {schema}name
        proof {sec}proof @type=@id @container=@graph
        refreshService {cred}refreshService @type=@id
        relatedResource {cred}relatedResource @type=@id
        renderMethod {cred}renderMethod @type=@id
        termsOfUse {cred}termsOfUse @type=@id
        validFrom {cred}validFrom @type={xsd}dateTime
        validUntil {cred}validUntil @type={xsd}dateTime
    EnvelopedVerifiableCredential {cred}EnvelopedVerifiableCredential
    VerifiablePresentation {cred}VerifiablePresentation
        @protected true
        id @id
        type @type
        holder {cred}holder @type=@id
        proof {sec}proof @type=@id @container=@graph
        termsOfUse {cred}termsOfUse @type=@id
        verifiableCredential {cred}verifiableCredential @type=@id @container=@graph @context=null
    EnvelopedVerifiablePresentation {cred}EnvelopedVerifiablePresentation
    JsonSchemaCredential {cred}JsonSchemaCredential
    JsonSchema {cred}JsonSchema
        @protected true
        id @id
        type @type
        jsonSchema {cred}jsonSchema @type=@json
    BitstringStatusListCredential {status}BitstringStatusListCredential
    BitstringStatusList {status}BitstringStatusList
        @protected true
        id @id
        type @type
        encodedList {status}encodedList @type={sec}multibase
        statusPurpose {status}statusPurpose
        ttl {status}ttl
    BitstringStatusListEntry {status}BitstringStatusListEntry
        @protected true
        id @id
        type @type
        statusListCredential {status}statusListCredential @type=@id
        statusListIndex {status}statusListIndex
        statusPurpose {status}statusPurpose
        statusMessage {status}statusMessage
            @protected true
            id @id
            type @type
            message {status}message
            status {status}status
        statusReference {status}statusReference @type=@id
        statusSize {status}statusSize @type={xsds}integer
    DataIntegrityProof {sec}DataIntegrityProof
        @protected true
        id @id
        type @type
        challenge {sec}challenge
        created http://purl.org/dc/terms/created @type={xsd}dateTime
        cryptosuite {sec}cryptosuite @type={sec}cryptosuiteString
        domain {sec}domain
        expires {sec}expiration @type={xsd}dateTime
        nonce {sec}nonce
        previousProof {sec}previousProof @type=@id
        proofPurpose {sec}proofPurpose @type=@vocab
            @protected true
            id @id
            type @type
            assertionMethod {sec}assertionMethod @type=@id @container=@set
            authentication {sec}authenticationMethod @type=@id @container=@set
            capabilityDelegation {sec}capabilityDelegationMethod @type=@id @container=@set
            capabilityInvocation {sec}capabilityInvocationMethod @type=@id @container=@set
            keyAgreement {sec}keyAgreementMethod @type=@id @container=@set
        proofValue {sec}proofValue @type={sec}multibase
        verificationMethod {sec}verificationMethod @type=@id
    ... https://www.iana.org/assignments/jwt#...
    _sd https://www.iana.org/assignments/jwt#_sd @type=@json
    _sd_alg https://www.iana.org/assignments/jwt#_sd_alg
    aud https://www.iana.org/assignments/jwt#aud @type=@id
    cnf https://www.iana.org/assignments/jwt#cnf
        @protected true
        kid https://www.iana.org/assignments/jwt#kid @type=@id
        jwk https://www.iana.org/assignments/jwt#jwk @type=@json
    exp https://www.iana.org/assignments/jwt#exp @type={xsds}nonNegativeInteger
    iat https://www.iana.org/assignments/jwt#iat @type={xsds}nonNegativeInteger
    iss https://www.iana.org/assignments/jose#iss @type=@id
    jku https://www.iana.org/assignments/jose#jku @type=@id
    kid https://www.iana.org/assignments/jose#kid @type=@id
    nbf https://www.iana.org/assignments/jwt#nbf @type={xsds}nonNegativeInteger
    sub https://www.iana.org/assignments/jose#sub @type=@id
    x5u https://www.iana.org/assignments/jose#x5u @type=@id

https://w3id.org/security/suites/ed25519-2020/v1
    id @id
    type @type
    @protected true
    proof {sec}proof @type=@id @container=@graph
    Ed25519VerificationKey2020 {sec}Ed25519VerificationKey2020
        @protected true
        id @id
        type @type
        controller {sec}controller @type=@id
        revoked {sec}revoked @type={xsd}dateTime
        publicKeyMultibase {sec}publicKeyMultibase @type={sec}multibase
    Ed25519Signature2020 {sec}Ed25519Signature2020
        @protected true
        id @id
        type @type
        challenge {sec}challenge
        created http://purl.org/dc/terms/created @type={xsd}dateTime
        domain {sec}domain
        expires {sec}expiration @type={xsd}dateTime
        nonce {sec}nonce
        proofPurpose {sec}proofPurpose @type=@vocab
            @protected true
            id @id
            type @type
            assertionMethod {sec}assertionMethod @type=@id @container=@set
            authentication {sec}authenticationMethod @type=@id @container=@set
            capabilityInvocation {sec}capabilityInvocationMethod @type=@id @container=@set
            capabilityDelegation {sec}capabilityDelegationMethod @type=@id @container=@set
            keyAgreement {sec}keyAgreementMethod @type=@id @container=@set
        proofValue {sec}proofValue @type={sec}multibase
        verificationMethod {sec}verificationMethod @type=@id

https://w3id.org/security/suites/jws-2020/v1
    privateKeyJwk {sec}privateKeyJwk @type=@json
    JsonWebKey2020 {sec}JsonWebKey2020
        @protected true
        id @id
        type @type
        publicKeyJwk {sec}publicKeyJwk @type=@json
    JsonWebSignature2020 {sec}JsonWebSignature2020
        @protected true
        id @id
        type @type
        challenge {sec}challenge
        created http://purl.org/dc/terms/created @type={xsd}dateTime
        domain {sec}domain
        expires {sec}expiration @type={xsd}dateTime
        jws {sec}jws
        nonce {sec}nonce
        proofPurpose {sec}proofPurpose @type=@vocab
            @protected true
            id @id
            type @type
            assertionMethod {sec}assertionMethod @type=@id @container=@set
            authentication {sec}authenticationMethod @type=@id @container=@set
            capabilityInvocation {sec}capabilityInvocationMethod @type=@id @container=@set
            capabilityDelegation {sec}capabilityDelegationMethod @type=@id @container=@set
            keyAgreement {sec}keyAgreementMethod @type=@id @container=@set
        verificationMethod {sec}verificationMethod @type=@id

https://www.w3.org/ns/did/v1
    @protected true
    id @id
    type @type
    alsoKnownAs https://www.w3.org/ns/activitystreams#alsoKnownAs @type=@id
    assertionMethod {sec}assertionMethod @type=@id @container=@set
    authentication {sec}authenticationMethod @type=@id @container=@set
    capabilityDelegation {sec}capabilityDelegationMethod @type=@id @container=@set
    capabilityInvocation {sec}capabilityInvocationMethod @type=@id @container=@set
    controller {sec}controller @type=@id
    keyAgreement {sec}keyAgreementMethod @type=@id @container=@set
    service https://www.w3.org/ns/did#service @type=@id
        @protected true
        id @id
        type @type
        serviceEndpoint https://www.w3.org/ns/did#serviceEndpoint @type=@id
    verificationMethod {sec}verificationMethod @type=@id

https://w3id.org/security/data-integrity/v2
    id @id
    type @type
    @protected true
    proof {sec}proof @type=@id @container=@graph
    DataIntegrityProof {sec}DataIntegrityProof
        @protected true
        id @id
        type @type
        challenge {sec}challenge
        created http://purl.org/dc/terms/created @type={xsd}dateTime
        domain {sec}domain
        expires {sec}expiration @type={xsd}dateTime
        nonce {sec}nonce
        previousProof {sec}previousProof @type=@id
        proofPurpose {sec}proofPurpose @type=@vocab
            @protected true
            id @id
            type @type
            assertionMethod {sec}assertionMethod @type=@id @container=@set
            authentication {sec}authenticationMethod @type=@id @container=@set
            capabilityInvocation {sec}capabilityInvocationMethod @type=@id @container=@set
            capabilityDelegation {sec}capabilityDelegationMethod @type=@id @container=@set
            keyAgreement {sec}keyAgreementMethod @type=@id @container=@set
        cryptosuite {sec}cryptosuite @type={sec}cryptosuiteString
        proofValue {sec}proofValue @type={sec}multibase
        verificationMethod {sec}verificationMethod @type=@id

https://w3id.org/security/data-integrity/v1 like https://w3id.org/security/data-integrity/v2
    DataIntegrityProof {sec}DataIntegrityProof
        - previousProof
        cryptosuite {sec}cryptosuite

https://www.w3.org/ns/credentials/status/v1
    @protected true
    id @id
    type @type
    BitstringStatusListCredential {status}BitstringStatusListCredential
    BitstringStatusList {status}BitstringStatusList
        @protected true
        id @id
        type @type
        encodedList {status}encodedList @type={sec}multibase
        statusPurpose {status}statusPurpose
        ttl {status}ttl
    BitstringStatusListEntry {status}BitstringStatusListEntry
        @protected true
        id @id
        type @type
        statusListCredential {status}statusListCredential @type=@id
        statusListIndex {status}statusListIndex
        statusPurpose {status}statusPurpose
        statusMessage {status}statusMessage
            @protected true
            id @id
            type @type
            message {status}message
            status {status}status
        statusReference {status}statusReference @type=@id
        statusSize {status}statusSize @type={xsds}integer

https://w3id.org/dcc/v1
    @protected true
    id @id
    type @type
    EducationalOccupationalCredential {schema1}EducationalOccupationalCredential
    EducationalOccupationalProgram {schema1}EducationalOccupationalProgram
    Course {schema1}Course
    CourseInstance {schema1}CourseInstance
    Person {schema1}Person
    name {schema1}name
    url {schema1}url
    identifier {schema1}identifier
    courseCode {schema1}courseCode
    numberOfCredits {schema1}numberOfCredits
    startDate {schema1}startDate
    endDate {schema1}endDate
    value {schema1}value
    educationalCredentialAwarded {schema1}educationalCredentialAwarded
    hasCourseInstance {schema1}hasCourseInstance
    description {schema1}description
    image {schema1}image @type=@id
    awardedOnCompletionOf - @reverse={schema1}educationalCredentialAwarded
    competencyRequired {schema1}EducationalOccupationalCredential#competencyRequired
    credentialCategory {schema1}EducationalOccupationalCredential#credentialCategory
    hasCredential {schema1}hasCredential
    assertion {dcc}assertion
    Issuer https://w3id.org/openbadges#Issuer
    ProgramCompletionCredential {dcc}ProgramCompletionCredential
    CourseCompletionCredential {dcc}CourseCompletionCredential
    LearningCredential {dcc}LearningCredential
    Assertion {dcc}Assertion
"""
