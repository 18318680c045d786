"""The `accredit` command, for people and scripts, one module per noun.

Commands are loaded lazily, so that `accredit --help` stays quick. They print text for people or JSON for programs, end
with stable exit codes, and every error says what to do next.
"""
