"""Reads the header of a GGUF file, lets a test change it, and writes a file with it.

The tensor data of the written file are zeros that take no room on disk: what is tested is the
header.
"""

import dataclasses
import struct

MAGIC = b"GGUF"
STRING, ARRAY = 8, 9
SCALAR_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q",
                  11: "q", 12: "d"}


@dataclasses.dataclass
class Field:
    """A metadata entry. An array's value is (element type, list)."""
    key: str
    type: int
    value: object


@dataclasses.dataclass
class Tensor:
    name: str
    dims: list
    dtype: int
    offset: int


@dataclasses.dataclass
class Header:
    version: int
    fields: list
    tensors: list
    data_bytes: int

    def field(self, key):
        return next(field for field in self.fields if field.key == key)

    def drop(self, key):
        self.fields.remove(self.field(key))

    def tensor(self, name):
        return next(tensor for tensor in self.tensors if tensor.name == name)


class _Reader:
    def __init__(self, file):
        self.file = file

    def scalar(self, code):
        size = struct.calcsize("<" + code)
        return struct.unpack("<" + code, self.file.read(size))[0]

    def string(self):
        return self.file.read(self.scalar("Q")).decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element = self.scalar("I")
            return element, [self.value(element) for _ in range(self.scalar("Q"))]
        return self.scalar(SCALAR_FORMATS[kind])


def read_header(path):
    with open(path, "rb") as file:
        reader = _Reader(file)
        assert file.read(4) == MAGIC
        version = reader.scalar("I")
        num_tensors, num_fields = reader.scalar("Q"), reader.scalar("Q")
        fields = []
        for _ in range(num_fields):
            key, kind = reader.string(), reader.scalar("I")
            fields.append(Field(key, kind, reader.value(kind)))
        tensors = []
        for _ in range(num_tensors):
            name = reader.string()
            dims = [reader.scalar("Q") for _ in range(reader.scalar("I"))]
            tensors.append(Tensor(name, dims, reader.scalar("I"), reader.scalar("Q")))
        data_start = _aligned(file.tell())
        return Header(version, fields, tensors, file.seek(0, 2) - data_start)


def _aligned(offset):
    return (offset + 31) // 32 * 32


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    if kind == STRING:
        return _string(value)
    if kind == ARRAY:
        element, items = value
        return struct.pack("<IQ", element, len(items)) + b"".join(
            _value(element, item) for item in items)
    return struct.pack("<" + SCALAR_FORMATS[kind], value)


def header_bytes(header):
    parts = [MAGIC, struct.pack("<IQQ", header.version, len(header.tensors), len(header.fields))]
    for field in header.fields:
        parts += [_string(field.key), struct.pack("<I", field.type),
                  _value(field.type, field.value)]
    for tensor in header.tensors:
        parts += [_string(tensor.name), struct.pack("<I", len(tensor.dims)),
                  struct.pack(f"<{len(tensor.dims)}Q", *tensor.dims),
                  struct.pack("<IQ", tensor.dtype, tensor.offset)]
    return b"".join(parts)


def write_file(path, header):
    data = header_bytes(header)
    with open(path, "wb") as file:
        file.write(data)
        file.truncate(_aligned(len(data)) + header.data_bytes)
