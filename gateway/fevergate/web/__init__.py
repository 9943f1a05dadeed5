"""The pages of one gateway: the guard's board, the fever log, who may see what.

A process of its own: it reads the gateway's database, hears its broker, and writes nothing of
theirs but acknowledgements, so that a hundred open boards cost the red light nothing.
"""
