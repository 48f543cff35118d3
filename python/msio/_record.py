"""Immutable records: what frozen dataclasses with slots are, without the modules that these load (inspect and more)."""


class _Fields:
    """The attribute by which `dataclasses` knows its own; made when it is first asked for."""

    def __get__(self, _, owner):
        import dataclasses
        annotated = [(name, owner.__annotations__[name]) for name in owner.__slots__]
        fields = dataclasses.make_dataclass(owner.__name__, annotated, frozen=True).__dataclass_fields__
        owner.__dataclass_fields__ = fields
        return fields


def _refuse(self, name):
    import dataclasses
    raise dataclasses.FrozenInstanceError(f"{type(self).__name__} is immutable: {name!r} cannot be set or deleted")


def _refuse_value(self, name, value):
    _refuse(self, name)


def _state_of(self):
    return [getattr(self, name) for name in self.__slots__]


def _take_state(self, state):
    for name, value in zip(self.__slots__, state):
        object.__setattr__(self, name, value)


def _repr(self):
    return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


def _equal(self, other):
    return _state_of(self) == _state_of(other) if type(other) is type(self) else NotImplemented


def record(cls):
    """Makes a class of annotated members one whose instances hold these, in the order written, and do not change.

    What `dataclasses` offers for its own (fields, asdict, replace) works on them. A repr and equality come along where
    the class has none.
    """
    names = tuple(cls.__annotations__)
    members = {name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__")}
    space = {"_set": object.__setattr__}
    exec(f"def __init__(self, {', '.join(names)}):\n"
         + "".join(f"    _set(self, {name!r}, {name})\n" for name in names), space)
    space["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    members.update(__slots__=names, __match_args__=names, __init__=space["__init__"], __setattr__=_refuse_value,
                   __delattr__=_refuse, __getstate__=_state_of, __setstate__=_take_state,
                   __dataclass_fields__=_Fields())
    if cls.__repr__ is object.__repr__:
        members["__repr__"] = _repr
    if cls.__eq__ is object.__eq__:
        members.update(__eq__=_equal, __hash__=None)
    made = type(cls)(cls.__name__, cls.__bases__, members)
    made.__qualname__ = cls.__qualname__
    return made
