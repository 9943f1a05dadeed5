"""`tools/make-list`: writes a made-up list of people, as a college's student office would have it.

Nobody on it exists: the characters of the names are random, and the telephone numbers begin with
100, as no number in China does.
"""

import argparse
import csv
import io
import random
from pathlib import Path

import xlsxwriter

HEADER = (
    "学号/工号",
    "姓名",
    "人员类别",
    "管理类别",
    "班级/部门",
    "校区",
    "卡号",
    "联系电话",
    "住校",
)
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = "安博晨德恩帆耿浩嘉凯澜铭宁沛琪睿淑桐婉晓妍泽卓岚霖萱珺翊煦昕"
CLASSES = ("甲类", "乙类", "丙类", "丁类", "戊类", "己类")
SUBJECTS = ("计应", "会计", "机电", "护理", "汽修", "园林", "物流", "学前")
OFFICES = ("教务处", "学生处", "后勤处", "图书馆", "信息中心")
UNIT_SIZE = 42

Rows = list[tuple[str, ...]]


def made_up(people: int, campuses: tuple[str, ...] = ("",), seed: int = 1) -> Rows:
    """Make the rows below `HEADER`: mostly students, class by class, and some staff and guards.

    Equal arguments give equal rows, but a longer list does not begin with the rows of a shorter
    one."""
    chance = random.Random(seed)  # noqa: S311 - nobody's secret
    guards = max(1, people // 250)
    staff = people // 20
    rows: Rows = []
    for number in range(people):
        name = chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, 2))
        if number < guards:
            kind, class_, unit = "保安", "", "保卫处"
        elif number < guards + staff:
            kind, class_, unit = "教职工", "", chance.choice(OFFICES)
        else:
            place = (number - guards - staff) // UNIT_SIZE
            kind, class_ = "学生", CLASSES[place % len(CLASSES)]
            subject = SUBJECTS[place % len(SUBJECTS)]
            unit = f"{subject}{23 + place // 160}{place // len(SUBJECTS) % 20 + 1:02}"
        rows.append(
            (
                f"2099{number + 100001}",
                name,
                kind,
                class_,
                unit,
                campuses[number % len(campuses)],
                f"{chance.getrandbits(32):08X}",
                f"100{chance.randrange(10**8):08}",
                "是",
            )
        )
    return rows


def as_csv(rows: Rows, encoding: str = "utf-8") -> bytes:
    """The list as a CSV file, as a spreadsheet program writes it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *rows])
    return text.getvalue().encode("utf-8-sig" if encoding == "utf-8" else encoding)


def as_xlsx(rows: Rows) -> bytes:
    """The list as a spreadsheet, below a title line as student offices write one."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("名单")
        sheet.write_string(0, 0, "人员名单（虚构）")
        for place, row in enumerate([HEADER, *rows], 1):
            for column, cell in enumerate(row):
                sheet.write_string(place, column, cell)
    return file.getvalue()


def main() -> None:
    """Write the list that the command line asks for."""
    parser = argparse.ArgumentParser(prog="tools/make-list", description=__doc__)
    parser.add_argument("people", type=int, help="number of people, such as 13699")
    parser.add_argument("file", type=Path, help="a file ending in .csv or .xlsx")
    parser.add_argument(
        "--encoding",
        choices=["utf-8", "gb18030"],
        default="utf-8",
        help="of a .csv file (%(default)s)",
    )
    parser.add_argument("--campus", action="append", help="name of a campus; may be repeated")
    parser.add_argument("--seed", type=int, default=1, help="seed of the names (%(default)s)")
    arguments = parser.parse_args()
    if arguments.file.suffix not in (".csv", ".xlsx") or not 1 <= arguments.people <= 200_000:
        parser.error("expected 1 to 200000 people and a file ending in .csv or .xlsx")
    rows = made_up(arguments.people, tuple(arguments.campus or ("",)), arguments.seed)
    is_csv = arguments.file.suffix == ".csv"
    arguments.file.write_bytes(as_csv(rows, arguments.encoding) if is_csv else as_xlsx(rows))
    print(f"{arguments.file}: {len(rows)} people who do not exist")


if __name__ == "__main__":
    main()
