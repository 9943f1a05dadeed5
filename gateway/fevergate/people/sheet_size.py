"""Limits the size of an XLSX's sheets before a spreadsheet library lays them out in memory.

With one cell in the last row and column, a file of a few kB becomes a table of gigabytes. A ZIP
file can also be made so that two libraries find different parts in it. Therefore the parts that
were checked are packed anew, and the spreadsheet library reads only these.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from xml.parsers import expat

from fevergate.errors import ListFileError, ListProblem
from fevergate.texts.translations import N_, both

MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELLS = 2_000_000
"""Cells of the rectangle from A1 to the last row and column: 100 000 rows of 20 columns."""

MAX_LETTERS = 100_000_000
"""Letters of all cells; a text that cells share counts for each of them."""

MAX_UNPACKED = 200_000_000
"""Bytes of all parts of an XLSX, which is a ZIP file."""

MAX_PARTS = 1000
"""Parts of an XLSX: a workbook has some for each sheet. Each part costs time, even if empty."""

MAX_BESIDE = 20_000_000
"""Bytes of all parts that are neither a sheet nor the texts that cells share. The library takes 300
bytes of memory for each sheet that a workbook names in 50."""

MAX_ELEMENTS = 5 * MAX_CELLS
"""XML elements of a sheet, or of the texts that cells share: some seconds of reading."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How spreadsheets pack their parts (ECMA-376-2, annex B)."""

BESIDE = ("xl/workbook.xml", "xl/styles.xml")
"""Parts that are never taken for a sheet, whatever they contain; nor are relations (`.rels`)."""


CHUNK = 1 << 16
OTHER_FORMATS = ("workbook.bin", "content.xml")
"""Parts that tell other formats in a ZIP file from XLSX: XLSB and ODS."""

PLACE = re.compile("([A-Za-z]{1,3})([0-9]{1,7})")


def check_sheets(data: bytes, file: str) -> bytes:
    """The XLSX packed anew, with only the parts that were checked.

    Raises `ListFileError` if its sheets are too large or it is of another format, and what
    `zipfile` and `expat` raise.
    """
    checked = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as parts,
        zipfile.ZipFile(checked, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out,
    ):
        infos = parts.infolist()
        _check_parts(infos, file)
        for part in infos:
            with out.open(part.filename, "w") as copy:
                for chunk in _chunks(parts, part):
                    copy.write(chunk)
    with zipfile.ZipFile(checked) as parts:
        texts: list[int] = []
        for part in parts.infolist():
            if _is_shared(part):
                texts += _SharedTexts(_chunks(parts, part), file).lengths
        beside = 0
        for part in parts.infolist():
            if _may_be_sheet(part) and _has(_chunks(parts, part), b"sheetData"):
                _Sheet(_chunks(parts, part), texts, file)
            elif not _is_shared(part) and _is_xml(part):
                beside += part.file_size
        if beside > MAX_BESIDE:
            raise _unreadable(file, "XML")
    return checked.getvalue()


def _check_parts(infos: list[zipfile.ZipInfo], file: str) -> None:
    """Refuse a file that is no XLSX, or whose parts would be too large; nothing is unpacked yet."""
    names = [_name(part) for part in infos]
    if any(name.endswith(OTHER_FORMATS) for name in names):
        raise _refused(file, N_("expected CSV or XLSX; save it as one of these"))
    unpacked = sum(part.file_size for part in infos)
    methods_known = all(part.compress_type in METHODS for part in infos)
    if len(names) > MAX_PARTS or unpacked > MAX_UNPACKED:
        raise _unreadable(file, "ZIP")
    if not methods_known or len(set(names)) < len(names):
        raise _unreadable(file, "ZIP")


def _name(part: zipfile.ZipInfo) -> str:
    """A part's name as the library compares it."""
    return part.filename.replace("\\", "/").lower()


def _is_shared(part: zipfile.ZipInfo) -> bool:
    return _name(part).endswith("sharedstrings.xml")


def _is_xml(part: zipfile.ZipInfo) -> bool:
    return _name(part).endswith((".xml", ".rels"))


def _may_be_sheet(part: zipfile.ZipInfo) -> bool:
    return not _is_shared(part) and not _name(part).endswith((*BESIDE, ".rels"))


class _Reader:
    """Reads the XML of a part as UTF-8, as the spreadsheet library does. Refuses a document type,
    which could hide parts of the XML."""

    def __init__(self, chunks: Iterator[bytes], file: str) -> None:
        self._file = file
        self._elements = 0
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._element
        parser.EndElementHandler = lambda name: self.end(_local(name))
        parser.CharacterDataHandler = self.text
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)

    def start(self, name: str, values: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, name: str) -> None:
        raise NotImplementedError

    def text(self, text: str) -> None:
        raise NotImplementedError

    def _element(self, name: str, values: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise _unreadable(self._file, "XML")
        self.start(_local(name), values)

    def _doctype(self, *_: object) -> None:
        raise expat.ExpatError("a document type")


class _SharedTexts(_Reader):
    """Lengths of the texts that cells share."""

    def __init__(self, chunks: Iterator[bytes], file: str) -> None:
        self.lengths: list[int] = []
        super().__init__(chunks, file)

    def start(self, name: str, values: dict[str, str]) -> None:
        if name == "si":
            self.lengths.append(0)
            _expect_cells(len(self.lengths), self._file)

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        if self.lengths:
            self.lengths[-1] += len(text)


class _Sheet(_Reader):
    """Bounds the cells of a sheet that have a value. A row or a cell that does not say its place
    comes after the one before it."""

    def __init__(self, chunks: Iterator[bytes], texts: list[int], file: str) -> None:
        self._texts = texts
        self._row, self._column, self._inside = 1, 0, 0
        self._last_row, self._last_column, self._letters = 0, 0, 0
        self._place = (1, 1)
        self._shares, self._value = False, ""
        super().__init__(chunks, file)

    def start(self, name: str, values: dict[str, str]) -> None:
        if name == "row":
            self._row = int(values.get("r", self._row))
        elif name == "c":
            self._column += 1
            self._place = (self._row, self._column)
            if "r" in values:
                self._place = _place(values["r"])
                self._column = self._place[1]
            self._shares, self._value = values.get("t") == "s", ""
        elif name in ("v", "is"):
            self._inside += 1
            self._reach(*self._place)

    def end(self, name: str) -> None:
        if name == "row":
            self._row += 1
            self._column = 0
        elif name in ("v", "is"):
            self._inside -= 1
            if self._shares and name == "v":
                number = int(self._value)
                self._count(self._texts[number] if 0 <= number < len(self._texts) else 0)

    def text(self, text: str) -> None:
        if self._inside:
            self._count(len(text))
            if self._shares:
                self._value = (self._value + text)[:20]

    def _count(self, letters: int) -> None:
        self._letters += letters
        if self._letters > MAX_LETTERS:
            millions = MAX_LETTERS // 1_000_000
            raise _refused(self._file, N_("expected at most {most} million letters"), most=millions)

    def _reach(self, row: int, column: int) -> None:
        self._last_row = max(self._last_row, row)
        self._last_column = max(self._last_column, column)
        if self._last_row > MAX_ROWS:
            raise _refused(self._file, N_("expected at most {most} rows"), most=MAX_ROWS)
        if self._last_column > MAX_COLUMNS:
            raise _refused(self._file, N_("expected at most {most} columns"), most=MAX_COLUMNS)
        _expect_cells(self._last_row * self._last_column, self._file)


def _expect_cells(count: int, file: str) -> None:
    if count > MAX_CELLS:
        raise _refused(file, N_("expected at most {most} cells"), most=MAX_CELLS)


def _refused(file: str, text: str, **values: object) -> ListFileError:
    return ListFileError(file, [ListProblem(0, "", both(text, **values))])


def _unreadable(file: str, error: str) -> ListFileError:
    return _refused(file, N_("cannot be read as a spreadsheet: {error}"), error=error)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _place(text: str) -> tuple[int, int]:
    """Row and column, from 1, of a cell such as `B7`."""
    match = PLACE.fullmatch(text)
    if not match:
        raise ValueError(f"no cell: {text[:20]!r}")
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), column


def _chunks(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    with parts.open(part) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _has(chunks: Iterator[bytes], word: bytes) -> bool:
    before = b""
    for chunk in chunks:
        if word in before + chunk:
            return True
        before = chunk[-len(word) :]
    return False
