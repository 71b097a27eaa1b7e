"""ReqIF 1.2: each row a SPEC-OBJECT of its type, all values strings, the tree as one SPECIFICATION. Tasks stay out.

Reading takes other tools' files too: `ReqIF.ForeignID`, `ReqIF.Name` and `ReqIF.Text` are understood, and an object of
a type that we do not know is a requirement. A document type or an entity is refused before anything is expanded.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement
from xml.parsers import expat

from traceability.formats.rows import COLUMNS, WORDS, Fault, Form, Row, Rows, Unreadable, checked

NAMESPACE = "http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"
KINDS = ("objective", "key_result", "requirement")
OUTWARD = {"key": "ReqIF.ForeignID", "title": "ReqIF.Name", "description": "ReqIF.Text"}
INWARD = {name: value for value, name in OUTWARD.items()}
TYPES = {WORDS[kind]: kind for kind in KINDS}
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
DATATYPE, SPECIFICATION, SPECIFICATION_TYPE = "_datatype-text", "_specification", "_type-specification"

ElementTree.register_namespace("", NAMESPACE)


def write(rows: Sequence[Row], at: datetime) -> str:
    """The document; characters that XML cannot hold become U+FFFD."""
    kept = [row for row in rows if row.type in KINDS]
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds")
    root = Element(_q("REQ-IF"))
    _header(SubElement(root, _q("THE-HEADER")), moment)
    content = SubElement(SubElement(root, _q("CORE-CONTENT")), _q("REQ-IF-CONTENT"))
    datatypes = SubElement(content, _q("DATATYPES"))
    _named(datatypes, "DATATYPE-DEFINITION-STRING", DATATYPE, "Text", moment).set("MAX-LENGTH", "1000000")
    _types(SubElement(content, _q("SPEC-TYPES")), moment)
    objects = SubElement(content, _q("SPEC-OBJECTS"))
    for row in kept:
        _object(objects, row, moment)
    _specification(SubElement(content, _q("SPECIFICATIONS")), kept, moment)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _header(parent: Element, moment: str) -> None:
    header = SubElement(parent, _q("REQ-IF-HEADER"), IDENTIFIER="_header")
    told = {
        "CREATION-TIME": moment,
        "REQ-IF-TOOL-ID": "Coordinator",
        "REQ-IF-VERSION": "1.0",
        "SOURCE-TOOL-ID": "Coordinator",
        "TITLE": "Objectives, key results and requirements",
    }
    for name, text in told.items():
        SubElement(header, _q(name)).text = text


def _types(parent: Element, moment: str) -> None:
    for kind in KINDS:
        each = _named(parent, "SPEC-OBJECT-TYPE", _type(kind), WORDS[kind], moment)
        attributes = SubElement(each, _q("SPEC-ATTRIBUTES"))
        for name in _attributes(kind):
            title = OUTWARD.get(name, name)
            defined = _named(attributes, "ATTRIBUTE-DEFINITION-STRING", _attribute(kind, name), title, moment)
            _refer(SubElement(defined, _q("TYPE")), "DATATYPE-DEFINITION-STRING-REF", DATATYPE)
    _named(parent, "SPECIFICATION-TYPE", SPECIFICATION_TYPE, "Plan", moment)


def _object(parent: Element, row: Row, moment: str) -> None:
    each = _named(parent, "SPEC-OBJECT", _id(row.type, row.key), "", moment)
    values = SubElement(each, _q("VALUES"))
    for name in _attributes(row.type):
        text = row.key if name == "key" else row.values.get(name, "")
        given = SubElement(values, _q("ATTRIBUTE-VALUE-STRING"), {"THE-VALUE": UNWRITABLE.sub("\ufffd", text)})
        _refer(SubElement(given, _q("DEFINITION")), "ATTRIBUTE-DEFINITION-STRING-REF", _attribute(row.type, name))
    _refer(SubElement(each, _q("TYPE")), "SPEC-OBJECT-TYPE-REF", _type(row.type))


def _specification(parent: Element, rows: Sequence[Row], moment: str) -> None:
    whole = _named(parent, "SPECIFICATION", SPECIFICATION, "Plan", moment)
    _refer(SubElement(whole, _q("TYPE")), "SPECIFICATION-TYPE-REF", SPECIFICATION_TYPE)
    nodes: dict[str, Element] = {}
    for row in rows:
        above = KINDS[KINDS.index(row.type) - 1] if row.values.get("parent") else ""
        owner = nodes.get(_id(above, row.values["parent"]), whole) if above else whole
        children = owner.find(_q("CHILDREN"))
        children = SubElement(owner, _q("CHILDREN")) if children is None else children
        node = _named(children, "SPEC-HIERARCHY", f"_node{_id(row.type, row.key)}", "", moment)
        _refer(SubElement(node, _q("OBJECT")), "SPEC-OBJECT-REF", _id(row.type, row.key))
        nodes[_id(row.type, row.key)] = node


def read(text: str) -> Rows:
    _refuse_document_type(text)
    root = ElementTree.fromstring(text.encode())
    titles = {each.get("IDENTIFIER"): each.get("LONG-NAME", "") for each in root.iter() if each.get("IDENTIFIER")}
    objects = [(each, _values(each, titles)) for each in root.iter(_q("SPEC-OBJECT"))]
    keys = {_own(each): values.pop("key", "") or _own(each) for each, values in objects}
    above = _parents(root)
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, (each, values) in enumerate(objects, 1):
        kind = TYPES.get(titles.get(_pointed(each, "TYPE"), ""), "requirement")
        values["parent"] = keys.get(above.get(_own(each), ""), "")
        known = {name: value for name, value in values.items() if name in COLUMNS[kind]}
        row, wrong = checked(kind, keys[_own(each)], known, line)
        rows.extend([row] if row else [])
        faults.extend(wrong)
    return rows, faults


def _own(each: Element) -> str:
    return each.get("IDENTIFIER", "")


def _refuse_document_type(text: str) -> None:
    """Raises Unreadable for what is no XML, and for a document type, before any entity is expanded."""

    def refuse(*_: object) -> None:
        raise Unreadable("A document type (DTD) is not read.")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as problem:
        raise Unreadable(f"This is no XML: {problem}.") from problem


def _values(each: Element, titles: dict[str | None, str]) -> dict[str, str]:
    """The values of an object by our names; XHTML as its text."""
    found: dict[str, str] = {}
    for given in each.iterfind(f"{_q('VALUES')}/*"):
        name = titles.get(_pointed(given, "DEFINITION"), "")
        rich = given.find(_q("THE-VALUE"))
        text = given.get("THE-VALUE", "") if rich is None else "".join(rich.itertext()).strip()
        found[INWARD.get(name, name)] = text
    return found


def _parents(root: Element) -> dict[str, str]:
    """The object above each object, by the first hierarchy that holds it."""
    found: dict[str, str] = {}
    for whole in root.iter(_q("SPECIFICATION")):
        for child, parent in _pairs(whole, ""):
            found.setdefault(child, parent)
    return found


def _pairs(node: Element, parent: str) -> Iterator[tuple[str, str]]:
    waiting = [(node, parent)]
    while waiting:
        owner, above = waiting.pop()
        for child in owner.iterfind(f"{_q('CHILDREN')}/{_q('SPEC-HIERARCHY')}"):
            own = _pointed(child, "OBJECT")
            yield own, above
            waiting.append((child, own))


def _pointed(each: Element, name: str) -> str:
    """The identifier that the reference in this child names."""
    found = each.find(f"{_q(name)}/*")
    return "" if found is None else (found.text or "").strip()


def _named(parent: Element, tag: str, identifier: str, title: str, moment: str) -> Element:
    told = {"IDENTIFIER": identifier, "LAST-CHANGE": moment, **({"LONG-NAME": title} if title else {})}
    return SubElement(parent, _q(tag), told)


def _refer(parent: Element, tag: str, identifier: str) -> None:
    SubElement(parent, _q(tag)).text = identifier


def _attributes(kind: str) -> tuple[str, ...]:
    return ("key", *(name for name in COLUMNS[kind] if name != "parent"))


def _type(kind: str) -> str:
    return f"_type-{kind}"


def _attribute(kind: str, name: str) -> str:
    return f"_attribute-{kind}-{name}"


def _id(kind: str, key: str) -> str:
    """An XML identifier of a row: the same in every export."""
    return f"_{uuid5(NAMESPACE_URL, f'coordinator:{kind}:{key}')}"


def _q(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"


FORM = Form("application/xml", write, read)
