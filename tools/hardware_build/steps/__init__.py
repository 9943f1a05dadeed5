"""Pictures and pages of a build, step by step, from `hardware/steps/` and the wiring drawings.

`source` reads the steps, `pages` writes them down; `wiring`, `housing` and `sights` draw the
pictures on a `canvas`, which knows where every word stands.
"""
