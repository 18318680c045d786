"""How facts are shown to people and their programs, the same by the web application and by the commands.

json_views     values as JSON, and back
decision_view  a decision
summaries      a statement in one sentence
"""
