"""What is asked for by words, with the options that it declares and what ``--set`` says of it."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, get_args, get_origin

from ramify._core import (
    Described,
    InputError,
    Option,
    OptionContext,
    Registry,
    listed,
    nearest,
    quoted,
    retold,
)
from ramify.cli._given_settings import check_complete, settings_in, values_of
from ramify.cli._options_from_signature import Asking, CommandOption, flag
from ramify.cli._parse_value import parsed
from ramify.cli._words import names_in
from ramify.networks import BACKBONES
from ramify.runs import STRATEGIES
from ramify.sharing import Strategy
from ramify.weighting import WEIGHTINGS

REGISTRIES: Final[Mapping[str, Registry[Any]]] = {
    "--sharing": STRATEGIES,
    "--weighting": WEIGHTINGS,
    "--backbone": BACKBONES,
}
"""What can be asked for by a word, by the option that says the word."""

_SET: Final = (
    "NAME.SETTING=VALUE: a setting of a way of sharing, a weighting or a backbone, such as "
    "soft.alpha=300; comma separated. NAME is the word for it; without a form, as factorised, all "
    "its forms. A setting that does not exist is answered with those that do."
)
_SEED: Final = "--seed, or --seeds of ramify compare"


@dataclass(frozen=True)
class Asked:
    """What a word stands for.

    Attributes:
        by: The option that said it.
        word: The word, with its form.
        kind: The class.
        form: The form.
    """

    by: str
    word: str
    kind: type[Described]
    form: str

    @property
    def strategy(self) -> type[Strategy]:
        """The class, where it is that of a way of sharing."""
        assert issubclass(self.kind, Strategy)  # what ``--sharing`` names
        return self.kind

    @property
    def options(self) -> list[Option]:
        """The options that it uses."""
        return [o for o in self.kind.options if o.as_form or o.concerns(self.form)]


class DeclaredOptions(Asking):
    """The options that strategies, weightings and backbones declare, for several of them together.

    Args:
        values: What was said of all options of the verb.

    Attributes:
        settings: What ``--set`` says.

    Raises:
        InputError: If something is malformed.
    """

    several: ClassVar[bool] = True

    def __init__(self, values: Mapping[str, object]) -> None:
        every = {option.name: (option, kind) for _, kind, option in declared(several=self.several)}
        given = {name: values.get(name) for name in every}
        self._given = {
            name: _read(*every[name], value)
            for name, value in given.items()
            if value is not None and value is not False and value not in ("", [])  # 0 is given
        }
        said = values.get("set") or ""
        self.settings = settings_in(said if isinstance(said, str | list) else "")

    @classmethod
    def flags(cls) -> list[CommandOption]:
        """All of them; what several declare, once."""
        found: dict[str, CommandOption] = {}
        for _, kind, option in declared(several=cls.several):
            words = retold(option.words, flag)
            if option.name in found:
                before = found[option.name].words or ""
                words = before if words in before else f"{before} {words}"
            annotation = _annotation(option, kind)
            usual = {bool: False, str | list[str]: ""}.get(annotation)
            called = (
                *(found[option.name].arguments if option.name in found else ()),
                option.argument,
            )
            found[option.name] = CommandOption(
                option.name, annotation, usual, words, arguments=called
            )
        return [*found.values(), CommandOption("set", str | list[str], "", _SET)]

    @classmethod
    def glossary(cls) -> str:
        """All words with what they stand for."""
        lines = []
        for by, registry in REGISTRIES.items():
            lines += ["", f"for {by}:"]
            for kind in registry.values():
                lines += _explained(list(kind.words()), kind.label)
        return "\n".join(lines)

    @property
    def asks_for_more(self) -> bool:
        """Whether anything was said of a strategy, a weighting or a backbone."""
        return bool(self._given or self.settings)

    def asked(self, by: str, word: str) -> Asked:
        """What a word stands for.

        Args:
            by: The option that says it, of `REGISTRIES`.
            word: The word.

        Raises:
            InputError: If there is no such thing, or an option says another form of it.
        """
        kind, form = _found(by, word)
        for option in kind.options:
            if option.as_form and option.name in self._given:
                wanted = option.as_form(self._given[option.name])
                if form not in ("", wanted):
                    raise InputError(
                        f"{flag(option.name)} is for {by} {kind.name}. Got {word}; leave it out"
                    )
                form = wanted
        word = next(each for each, its_form in kind.words().items() if its_form == form)
        return Asked(by, word, kind, form)

    def check(self, every: Iterable[Asked]) -> None:
        """Check that each option and each setting is for something that takes part.

        Args:
            every: What takes part. What is asked for by other options is not looked at.

        Raises:
            InputError: If something is not, so that nothing would use it.
        """
        present = list(every)
        by = {each.by for each in present}
        used = {option.name for each in present for option in each.options}
        owners: dict[str, list[tuple[str, type[Described], Option]]] = {}
        for where, kind, option in declared(several=self.several):
            owners.setdefault(option.name, []).append((where, kind, option))
        for name in self._given:
            known = [each for each in owners[name] if each[0] in by and not each[2].anywhere]
            if name not in used and known:
                raise InputError(_unused(name, known, [a for a in present if a.by == known[0][0]]))
        for each in self.settings:
            if any(each.concerns(asked.word) for asked in present):
                continue
            places = [o for o, r in REGISTRIES.items() if any(map(each.concerns, _words(r)))]
            if not places:
                raise InputError(
                    "--set must name a way of sharing, a weighting or a backbone, here "
                    f"{listed([asked.word for asked in present])}. Got {quoted(each.owner)}"
                )
            if places[0] in by:
                raise InputError(
                    f"{each.option} must be for what takes part: name {each.owner} in {places[0]}, "
                    "or leave it out"
                )

    def given(self, asked: Asked) -> dict[str, Any]:
        """What was said of one of them, by the names of arguments.

        Raises:
            InputError: If an option is missing, or a setting does not fit.
        """
        said = dict.fromkeys(asked.kind.forms[asked.form], f"the word after {asked.by}")
        said |= {o.argument: flag(o.name) for o in asked.options} | {"seed": _SEED}
        for option in asked.options:
            if asked.form in option.needed_by and option.name not in self._given:
                words = retold(option.words, flag)
                raise InputError(f"{asked.by} {asked.word} needs {flag(option.name)}: {words}")
        used = {
            o.argument: self._given[o.name]
            for o in asked.options
            if o.name in self._given and not o.as_form
        }
        return used | values_of(asked.word, asked.kind, self.settings, said)

    def made(self, asked: Asked, context: OptionContext) -> Any:  # noqa: ANN401  # what was asked for
        """What was asked for.

        Args:
            asked: That.
            context: What surrounds it.

        Raises:
            InputError: If an option or a setting does not fit, or one is missing.
        """
        given = self.given(asked)
        check_complete(asked.word, asked.kind, {*given, *asked.kind.forms[asked.form]})
        try:
            return asked.kind.from_options(asked.form, given, context)
        except InputError as error:
            own = [each for each in self.settings if each.concerns(asked.word)]
            message = error.told(self.naming([asked]))
            if own and message == str(error):  # no argument is named that it could be
                message = f"{own[-1].option}: {message}"
            raise InputError(message) from None

    def naming(self, every: Iterable[Asked]) -> Callable[[str], str]:
        """From an argument to what was typed for it.

        Args:
            every: Whose arguments they may be.
        """
        names: dict[str, str] = {}
        for asked in every:
            names |= {o.argument: flag(o.name) for o in asked.options}
            names |= {
                s.of(asked.kind).name: s.option for s in self.settings if s.concerns(asked.word)
            }
        return lambda argument: names.get(argument, f"`{argument}`")


class OptionsOfOne(DeclaredOptions):
    """Those of one strategy, one weighting and one backbone, some of which have no place beside others."""

    several = False


def declared(*, several: bool = False) -> Iterator[tuple[str, type[Described], Option]]:
    """Every option that something declares, with what declares it and how that is asked for.

    Args:
        several: Whether several take part, so that some options have no meaning.
    """
    for by, registry in REGISTRIES.items():
        for kind in registry.values():
            for option in kind.options:
                if not (several and option.alone):
                    yield by, kind, option


def _explained(words: list[str], label: str) -> list[str]:
    plain = [word for word in words if ":" not in word]
    forms = [word.partition(":")[2] for word in words if ":" in word]
    first = ", ".join(plain) or (f"{words[0].partition(':')[0]}:FORM" if words else "")
    indent = " " * 22
    listing = ", ".join(f":{form}" for form in forms)
    more = wrap(listing, 72, subsequent_indent=" " * 5, break_on_hyphens=False)
    lines = [f"  {first:<20}{label}"]
    if more:
        also = f"{'also' if plain else 'each'} {more[0]}"
        lines += [f"{indent}{line}" for line in [also, *more[1:]]]
    return lines if first else []


def _words(registry: Registry[Any]) -> dict[str, tuple[type[Described], str]]:
    return {w: (kind, form) for kind in registry.values() for w, form in kind.words().items()}


def _found(by: str, word: str) -> tuple[type[Described], str]:
    known = _words(REGISTRIES[by])
    if word in known:
        return known[word]
    name, _, form = word.partition(":")
    kind = next((each for each, _ in known.values() if each.name == name), None)
    if kind is not None and form in kind.refused:
        raise InputError(f"{by} {word} {kind.refused[form]}")
    every = kind.words() if kind else [w for w in known if ":" not in w]
    others = [] if kind else dict.fromkeys(w.partition(":")[0] for w in known if ":" in w)
    more = [f"{each}:FORM" for each in others if each not in known]
    close = nearest(word, every)
    hint = "" if close is None else f"; did you mean {close}?"
    raise InputError(f"{by} must be one of {listed([*every, *more], 99)}. Got {quoted(word)}{hint}")


def _unused(
    name: str, owners: list[tuple[str, type[Described], Option]], present: list[Asked]
) -> str:
    words: list[str] = []
    for _, kind, option in owners:
        its_words = kind.words()
        every = [word for word, form in its_words.items() if option.concerns(form)]
        words += [kind.name] if option.forms is None and kind.name in its_words else every
    got = ", ".join(asked.word for asked in present)
    return f"{flag(name)} is for {owners[0][0]} {' or '.join(words)}. Got {got}; leave it out"


def _type_of(option: Option, kind: type[Described]) -> Any:  # noqa: ANN401  # an annotation
    wanted = option.type or inspect.signature(kind).parameters[option.argument].annotation
    others = [each for each in get_args(wanted) if each is not NoneType]
    # What may be None is so where the option is left out.
    return others[0] if isinstance(wanted, UnionType) and len(others) == 1 else wanted


def _annotation(option: Option, kind: type[Described]) -> Any:  # noqa: ANN401  # an annotation
    """How the parser takes a value."""
    wanted = _type_of(option, kind)
    if wanted is bool:
        return bool
    if wanted == list[str]:
        return str | list[str]
    if get_origin(wanted) is tuple:
        inner: Any = get_args(wanted)[0]
        return str | list[inner] | None
    return wanted | None


def _read(option: Option, kind: type[Described], value: object) -> object:
    """A value that the parser took, as the option means it."""
    wanted = _type_of(option, kind)
    if wanted == list[str]:
        return names_in(value) if isinstance(value, str | list) else value
    form = parsed(wanted) if get_origin(wanted) is tuple else None
    if form is None:
        return value
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return form.value(flag(option.name), text)
