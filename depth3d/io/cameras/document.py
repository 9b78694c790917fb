"""JSON, YAML and XML files as plain trees of lists, mappings, texts and numbers; nothing in them is ever run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from depth3d.core.errors import CameraError
from depth3d.io.open_input import open_regular_file, shown

DOCUMENT_SUFFIXES = (".json", ".yaml", ".yml", ".xml")

_LARGEST_MEGABYTES = {".json": 200}  # transforms.json of long captures; the others are read by slow parsers
_USUAL_MEGABYTES = 1
_OPENCV_HEADER = "%YAML:"


def read_document(path: Path) -> Any:
    """The file as a tree.

    Raises:
        CameraError: the file cannot be read, is too large, or is not what its suffix says.
    """
    suffix, where = path.suffix.lower(), shown(path)
    if suffix not in DOCUMENT_SUFFIXES:
        raise CameraError(f"{where}: a camera file ends in .json, .yaml, .yml or .xml, or is COLMAP's (.bin, .txt)")
    megabytes = _LARGEST_MEGABYTES.get(suffix, _USUAL_MEGABYTES)
    with open_regular_file(path, CameraError) as file:
        content = file.read(megabytes * 1_000_000 + 1)
    if len(content) > megabytes * 1_000_000:
        raise CameraError(f"{where}: larger than {megabytes} MB, not a camera file")
    try:
        text = content.decode("utf-8-sig")
        if suffix == ".json":
            return json.loads(text, parse_int=float)
        return _parsed_xml(text) if suffix == ".xml" else _parsed_yaml(text)
    except ValueError as problem:
        raise CameraError(f"{where}: not valid {suffix[1:].upper()}: {' '.join(str(problem).split())}") from None
    except RecursionError:
        raise CameraError(f"{where}: nested too deeply for a camera file") from None


def _parsed_yaml(text: str) -> Any:
    """The document with every scalar as text: YAML's own idea of numbers reads 1e3 as text and 1:30 as ninety."""
    import yaml

    class Loader(yaml.BaseLoader):  # builds lists, dictionaries and text, and nothing else
        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):  # a few of them can unfold into gigabytes
                raise yaml.YAMLError("references (*name) are not for camera files")
            return super().compose_node(parent, index)

    if text.startswith(_OPENCV_HEADER):  # OpenCV writes "%YAML:1.0", which is not YAML
        text = text.partition("\n")[2]
    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as problem:
        raise ValueError(str(problem)) from None


def _parsed_xml(text: str) -> Any:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("document types and entities are not for camera files")
    try:
        return _branch(ElementTree.fromstring(text))
    except ElementTree.ParseError as problem:
        raise ValueError(str(problem)) from None


def _branch(element: ElementTree.Element) -> Any:
    if len(element) == 0:
        return (element.text or "").strip()
    return {child.tag: _branch(child) for child in element}
