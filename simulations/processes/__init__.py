"""Real nodes as processes of their own: the command line's `node run`, SQLite, sockets on loopback, real time.

    plan        what will be done to which node and when: a function of the seed
    machine     one node: its files, its process, its clock; commands typed for it
    disks       a disk that can be filled
    people      who submits statements, who looks at every node all the time, and what they wrote down
    checks      what must hold at the end, from stored bytes and from what people wrote down
    story       one run, from founding to verdict

The seed draws the plan and nothing else: the operating system schedules the processes as it likes, so the same seed
does the same things to the same nodes, and what happens then may differ.
"""
