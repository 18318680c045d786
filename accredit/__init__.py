"""A decentralised trust registry for learning and employment records.

The folders at the top of the repository are the sub-packages of `accredit`; the links beside this file put them there,
so that `from accredit.registry import …` means the same file in a checkout and in an installed distribution, to Python
and to every tool that reads imports without running them (docs/adr/0024-one-name-in-site-packages.md).

    registry     what is said, what it means, how it is proved: the verifier's kit
    governance   who may say what
    gossip       how nodes come to hold the same
    node         one running node
    simulations  whole networks, with faults and adversaries
    cli          the command `accredit`
"""
