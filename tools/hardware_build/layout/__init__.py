"""The carrier board's layout, from its netlist: placed by a table, routed here, checked by KiCad 6.

`plan` reads table and netlist, `router` finds the tracks, `kicad` (run by Debian's own Python,
which has `pcbnew`) writes board and Gerber files and checks the design rules, `making` joins these.
`finished` reads a board without KiCad, for `page` and the tests.
"""

ORIGIN_MM = 100.0
"""The board's upper left corner on KiCad's sheet, in x and y."""
