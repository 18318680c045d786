"""Reads accreditation histories kept by others, and plans statements from them in an order that a charter's rules
accept.

Everything here is pure: it takes bytes and names for messages, and gives facts, planned statements and findings. Every
repair is reported: where data contradict themselves, a written rule decides (`settle.RULES`), and each use of a rule is
a finding with its file and line. Rows that cannot be taken are findings too.

    facts    what a history consists of: agencies, institutions, spells, steps
    deeds    what a step does to an accreditation, and what the words of DAPIP mean, as one table
    dapip    the U.S. Department of Education's database of accredited institutions, as CSV, with IPEDS beside it
    names    the ids of institutions and agencies
    table    any other table, with a map that names its columns and words
    settle   contradictions, found and settled
    life     one spell: its steps in order, as a grant, amendments and events
    plan     a whole history as planned statements
    report   what was found, as a table, CSV or JSON
"""
