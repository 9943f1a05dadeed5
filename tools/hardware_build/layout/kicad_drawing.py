"""Draws a board with KiCad 6's `pcbnew`; run by `kicad`, in Debian's own Python."""

import json
import re
import uuid
from pathlib import Path

import pcbnew  # pyright: ignore[reportMissingImports]

from hardware_build.layout import ORIGIN_MM

FOOTPRINTS = Path("/usr/share/kicad/footprints")


def at(x, y):
    """A point of the board, mm, in KiCad's coordinates."""
    return pcbnew.wxPoint(pcbnew.FromMM(ORIGIN_MM + x), pcbnew.FromMM(ORIGIN_MM + y))


def placed(board, plan):
    """Put all parts on a board, and connect their pads to their nets; returns the nets."""
    nets = {}
    for name in plan["nets"]:
        nets[name] = pcbnew.NETINFO_ITEM(board, name)
        board.Add(nets[name])
    for reference, part in plan["parts"].items():
        library, name = part["footprint"].split(":")
        footprint = pcbnew.FootprintLoad(str(FOOTPRINTS / f"{library}.pretty"), name)
        footprint.SetFPID(pcbnew.LIB_ID(library, name))
        footprint.SetReference(reference)
        footprint.SetValue(part["value"])
        board.Add(footprint)
        x, y, turn = plan["places"][reference]
        footprint.SetPosition(at(x, y))
        footprint.SetOrientationDegrees(turn)
        for pad in footprint.Pads():
            if net := part["pads"].get(pad.GetName()):
                pad.SetNet(nets[net])
            if away := plan["pad_clearances"].get(f"{reference}.{pad.GetName()}"):
                pad.SetLocalClearance(pcbnew.FromMM(away))
    return nets


def drawn(plan):
    """Write the board, its ground not yet poured, and its project into `plan["folder"]`."""
    folder = Path(plan["folder"])
    path = folder / f"{plan['name']}.kicad_pcb"
    board = pcbnew.NewBoard(str(path))
    about = board.GetTitleBlock()
    about.SetTitle(plan["title"])
    about.SetComment(0, f"netlist sha256 {plan['digest']}")
    board.SetTitleBlock(about)
    nets = placed(board, plan)
    rules(board, plan)
    outline(board, plan)
    for track in plan["tracks"]:
        line = pcbnew.PCB_TRACK(board)
        line.SetStart(at(track["x1"], track["y1"]))
        line.SetEnd(at(track["x2"], track["y2"]))
        line.SetWidth(pcbnew.FromMM(track["width"]))
        line.SetLayer((pcbnew.F_Cu, pcbnew.B_Cu)[track["layer"]])
        line.SetNet(nets[track["net"]])
        board.Add(line)
    for via in plan["vias"]:
        hole = pcbnew.PCB_VIA(board)
        hole.SetPosition(at(via["x"], via["y"]))
        hole.SetWidth(pcbnew.FromMM(plan["rules"]["via"]))
        hole.SetDrill(pcbnew.FromMM(plan["rules"]["via_drill"]))
        hole.SetNet(nets[via["net"]])
        board.Add(hole)
    words(board, plan)
    pour(board, plan, nets[plan["pour_net"]])
    pcbnew.SaveBoard(str(path), board)
    settle_ids(path)
    classes(path.with_suffix(".kicad_pro"), plan)
    return {}


def settle_ids(path):
    """Replace each item's random id by one that is derived from its content.

    KiCad orders its files by these ids, so that the same board then gives the same file.
    """
    lines, names = path.read_text(encoding="utf-8").split("\n"), set()
    blocks = [[]]
    for line in lines:
        if re.match(r"  \(", line):
            blocks.append([])
        blocks[-1].append(line)
    for block in blocks:
        plain = [re.sub(r"\(tstamp [^)]*\)", "", line) for line in block]
        block_text = "\n".join(sorted(filter(None, plain)))
        item = ""
        for number, line in enumerate(block):
            item = plain[number] if re.match(r"    \(", line) else item + plain[number]
            if "(tstamp " in line:
                name = block_text + item
                while name in names:
                    name += "+"
                names.add(name)
                new = f"(tstamp {uuid.uuid5(uuid.NAMESPACE_OID, name)})"
                block[number] = re.sub(r"\(tstamp [^)]*\)", new, line)
    text = "\n".join(line for block in blocks for line in block)
    path.write_text(text, encoding="utf-8")


def rules(board, plan):
    """Set the design rules that the board itself holds; `classes` writes the distances of single
    nets."""
    limits, settings = plan["rules"], board.GetDesignSettings()
    settings.m_TrackMinWidth = pcbnew.FromMM(limits["track"])
    settings.m_MinClearance = pcbnew.FromMM(limits["clearance"])
    settings.m_ViasMinSize = pcbnew.FromMM(limits["via"])
    settings.m_MinThroughDrill = pcbnew.FromMM(limits["via_drill"])
    settings.m_ViasMinAnnularWidth = pcbnew.FromMM(0.15)
    settings.m_CopperEdgeClearance = pcbnew.FromMM(limits["edge"])
    settings.m_HoleClearance = pcbnew.FromMM(0.25)
    settings.m_HoleToHoleMin = pcbnew.FromMM(0.25)
    settings.m_MaxError = pcbnew.FromMM(0.05)


def classes(path, plan):
    """Write a net class into the project for each net that has a width or distance of its own."""
    limits = plan["rules"]
    project = json.loads(path.read_text(encoding="utf-8"))
    net_classes = project["net_settings"]["classes"]
    default = net_classes[0] | {
        "clearance": limits["clearance"],
        "track_width": limits["track"],
        "via_diameter": limits["via"],
        "via_drill": limits["via_drill"],
        "nets": [],
    }
    project["net_settings"]["classes"] = [default] + [
        default
        | {
            "name": net,
            "nets": [net],
            "track_width": limits["widths"].get(net, limits["track"]),
            "clearance": limits["clearances"].get(net, limits["clearance"]),
        }
        for net in sorted(limits["widths"] | limits["clearances"])
    ]
    path.write_text(json.dumps(project, indent=2) + "\n", encoding="utf-8")


def outline(board, plan):
    """Draw the edge with round corners, and the screw holes, each in a ring without copper."""
    wide, high, corner = plan["wide"], plan["high"], plan["corner"]
    lines = [
        ((corner, 0), (wide - corner, 0)),
        ((wide, corner), (wide, high - corner)),
        ((wide - corner, high), (corner, high)),
        ((0, high - corner), (0, corner)),
    ]
    arcs = [
        ((corner, corner), (0, corner)),
        ((wide - corner, corner), (wide - corner, 0)),
        ((wide - corner, high - corner), (wide, high - corner)),
        ((corner, high - corner), (corner, high)),
    ]
    for start, end in lines:
        edge = pcbnew.PCB_SHAPE(board)
        edge.SetShape(pcbnew.SHAPE_T_SEGMENT)
        edge.SetStart(at(*start))
        edge.SetEnd(at(*end))
        edge.SetLayer(pcbnew.Edge_Cuts)
        edge.SetWidth(pcbnew.FromMM(0.1))
        board.Add(edge)
    for middle, start in arcs:
        edge = pcbnew.PCB_SHAPE(board)
        edge.SetShape(pcbnew.SHAPE_T_ARC)
        edge.SetCenter(at(*middle))
        edge.SetStart(at(*start))
        edge.SetArcAngleAndEnd(900)
        edge.SetLayer(pcbnew.Edge_Cuts)
        edge.SetWidth(pcbnew.FromMM(0.1))
        board.Add(edge)
    for number, (x, y) in enumerate(plan["holes"], start=1):
        hole = pcbnew.FootprintLoad(
            str(FOOTPRINTS / "MountingHole.pretty"), "MountingHole_3.2mm_M3"
        )
        hole.SetReference(f"H{number}")
        hole.Reference().SetVisible(False)
        hole.Value().SetVisible(False)
        hole.SetAttributes(pcbnew.FP_EXCLUDE_FROM_POS_FILES | pcbnew.FP_EXCLUDE_FROM_BOM)
        board.Add(hole)
        hole.SetPosition(at(x, y))
        free = pcbnew.ZONE(board)
        free.SetIsRuleArea(True)
        free.SetDoNotAllowCopperPour(True)
        free.SetDoNotAllowTracks(True)
        free.SetDoNotAllowVias(True)
        free.SetDoNotAllowPads(False)
        free.SetDoNotAllowFootprints(False)
        free.SetLayerSet(pcbnew.LSET.AllCuMask(2))
        ring = pcbnew.SHAPE_POLY_SET()
        ring.NewOutline()
        for dx, dy in plan["ring"]:
            point = at(x + dx, y + dy)
            ring.Append(point.x, point.y)
        free.SetOutline(ring)
        ring.thisown = False
        board.Add(free)


def pour(board, plan, net):
    """Add a zone of ground on each side."""
    inset = plan["rules"]["edge"]
    for layer in (pcbnew.F_Cu, pcbnew.B_Cu):
        zone = pcbnew.ZONE(board)
        zone.SetLayer(layer)
        zone.SetNet(net)
        shape = pcbnew.SHAPE_POLY_SET()
        shape.NewOutline()
        for x, y in (
            (inset, inset),
            (plan["wide"] - inset, inset),
            (plan["wide"] - inset, plan["high"] - inset),
            (inset, plan["high"] - inset),
        ):
            point = at(x, y)
            shape.Append(point.x, point.y)
        zone.SetOutline(shape)
        shape.thisown = False
        zone.SetLocalClearance(pcbnew.FromMM(plan["pour_clearance"]))
        zone.SetMinThickness(pcbnew.FromMM(0.25))
        zone.SetThermalReliefGap(pcbnew.FromMM(0.3))
        zone.SetThermalReliefSpokeWidth(pcbnew.FromMM(0.6))
        zone.SetIslandRemovalMode(pcbnew.ISLAND_REMOVAL_MODE_ALWAYS)
        board.Add(zone)


def words(board, plan):
    """Write the references where the plan puts them, and the plan's other words."""
    for footprint in board.GetFootprints():
        footprint.Value().SetVisible(False)
        place = plan["names"].get(footprint.GetReference())
        if place is None:
            continue
        reference = footprint.Reference()
        written(reference, *place)
        reference.SetKeepUpright(True)
        reference.SetTextAngle(-footprint.GetOrientation())
    for x, y, size, text in plan["texts"]:
        item = pcbnew.PCB_TEXT(board)
        item.SetText(text)
        item.SetLayer(pcbnew.F_SilkS)
        written(item, x, y, size)
        board.Add(item)


def written(text, x, y, size):
    """Place and size a text."""
    text.SetPosition(at(x, y))
    text.SetTextSize(pcbnew.wxSize(pcbnew.FromMM(0.85 * size), pcbnew.FromMM(size)))
    text.SetTextThickness(pcbnew.FromMM(0.15))
