"""A visitor, and forms of registers as a page has them."""

import re

LOAN = """
[thermometers]
title = "体温计借用"
title_en = "Thermometers on loan"
open = true
close = "归还"
close_en = "Given back"
until = "back_by"
[thermometers.fields]
number = { title = "编号", title_en = "Number", required = true }
borrower = { title = "借用人", title_en = "Borrower", type = "person", required = true }
back_by = { title = "应还时间", title_en = "Back by", type = "time" }
"""
"""A fifth register, as the handbook shows it."""

VISITOR = {"name": "王小明", "phone": "13800000001", "whom": "Chen Jing", "unit": "送货"}


def hidden(client, path, name):
    """The value of a hidden field of a page."""
    values = re.findall(rf'name="{name}" value="([^"]*)"', client.get(path).text)
    return values[-1]
