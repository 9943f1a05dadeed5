"""Steps that need KiCad's own Python; run by Debian's `python3`, which has KiCad 6's `pcbnew`.

Reads one JSON object with a command from standard input, and prints one as its answer. `pads`
computes where the footprints' pads lie. `draw` writes a board into a folder. `check` pours the
board's ground, writes Gerber and drill files, and answers with the results of the design rule check
and the number of unconnected pads. Needs no other package.
"""

import json
import os
import sys
from pathlib import Path

import pcbnew  # pyright: ignore[reportMissingImports]

from hardware_build.layout import ORIGIN_MM
from hardware_build.layout.kicad_drawing import drawn, placed


def pads(plan):
    """Each pad and courtyard of the placed parts, mm from the board's corner."""
    board = pcbnew.BOARD()
    placed(board, plan)
    placed_pads, rooms = [], {}
    for footprint in board.GetFootprints():
        reference = footprint.GetReference()
        for pad in footprint.Pads():
            box = pad.GetBoundingBox()
            middle = pad.GetPosition()
            layers = [
                n for n, layer in enumerate((pcbnew.F_Cu, pcbnew.B_Cu)) if pad.IsOnLayer(layer)
            ]
            placed_pads.append(
                {
                    "part": reference,
                    "number": pad.GetName(),
                    "net": pad.GetNetname(),
                    "x": pcbnew.ToMM(middle.x) - ORIGIN_MM,
                    "y": pcbnew.ToMM(middle.y) - ORIGIN_MM,
                    "wide": pcbnew.ToMM(box.GetWidth()),
                    "high": pcbnew.ToMM(box.GetHeight()),
                    "drill": pcbnew.ToMM(pad.GetDrillSize().x),
                    "round": pad.GetShape() == pcbnew.PAD_SHAPE_CIRCLE,
                    "layers": layers,
                }
            )
        points = [
            point
            for shape in footprint.GraphicalItems()
            if shape.GetLayer() == pcbnew.F_CrtYd
            for point in (shape.GetStart(), shape.GetEnd())
        ]
        xs = [pcbnew.ToMM(point.x) - ORIGIN_MM for point in points]
        ys = [pcbnew.ToMM(point.y) - ORIGIN_MM for point in points]
        rooms[reference] = [min(xs), min(ys), max(xs), max(ys)]
    return {"pads": placed_pads, "rooms": rooms}


def checked(plan):
    """Pour the ground of a drawn board, save, plot and check it; returns the results of the checks.

    It needs a process of its own: KiCad reads a project, with its net classes, only once.
    """
    folder = Path(plan["folder"])
    path = folder / f"{plan['name']}.kicad_pcb"
    board = pcbnew.LoadBoard(str(path))
    # The filler asks the connectivity which islands to keep.
    board.BuildConnectivity()
    pcbnew.ZONE_FILLER(board).Fill(board.Zones())
    board.BuildConnectivity()
    pcbnew.SaveBoard(str(path), board)
    # A board that is loaded again has the file's order, which the plots then follow.
    board = pcbnew.LoadBoard(str(path))
    board.BuildConnectivity()
    report = folder / "drc.txt"
    pcbnew.WriteDRCReport(board, str(report), pcbnew.EDA_UNITS_MILLIMETRES, True)
    plots(board, folder, plan["name"])
    tracks = [item.GetClass() for item in board.GetTracks()]
    return {
        "unconnected": board.GetConnectivity().GetUnconnectedCount(),
        "tracks": tracks.count("PCB_TRACK"),
        "vias": tracks.count("PCB_VIA"),
        "report": report.read_text(encoding="utf-8"),
        "version": pcbnew.GetBuildVersion(),
    }


def plots(board, folder, name):
    """Write Gerber and drill files."""
    control = pcbnew.PLOT_CONTROLLER(board)
    options = control.GetPlotOptions()
    options.SetPlotFrameRef(False)
    options.SetUseGerberProtelExtensions(False)
    options.SetCreateGerberJobFile(False)
    options.SetUseGerberX2format(True)
    options.SetIncludeGerberNetlistInfo(False)
    options.SetSubtractMaskFromSilk(True)
    options.SetUseAuxOrigin(False)
    options.SetExcludeEdgeLayer(True)
    options.SetOutputDirectory(str(folder / "gerber"))
    for layer, label in (
        (pcbnew.F_Cu, "F_Cu"),
        (pcbnew.B_Cu, "B_Cu"),
        (pcbnew.F_Mask, "F_Mask"),
        (pcbnew.B_Mask, "B_Mask"),
        (pcbnew.F_SilkS, "F_Silkscreen"),
        (pcbnew.F_Paste, "F_Paste"),
        (pcbnew.Edge_Cuts, "Edge_Cuts"),
    ):
        control.SetLayer(layer)
        control.OpenPlotfile(label, pcbnew.PLOT_FORMAT_GERBER, "")
        control.PlotLayer()
    control.ClosePlot()
    drill = pcbnew.EXCELLON_WRITER(board)
    drill.SetOptions(False, True, pcbnew.wxPoint(0, 0), False)
    drill.SetFormat(True)
    drill.CreateDrillandMapFilesSet(str(folder / "gerber"), True, False)


def main():
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    # pcbnew prints to standard output, so the answer goes to a copy of the original one.
    answer = os.dup(1)
    os.dup2(2, 1)
    result = {"pads": pads, "draw": drawn, "check": checked}[request["command"]](request)
    with os.fdopen(answer, "w", encoding="utf-8") as out:
        json.dump(result, out)


if __name__ == "__main__":
    main()
