"""What the command line says of a way of sharing beside its name."""

from dataclasses import dataclass, field
from pathlib import Path

from ramify._core import InputError, quoted
from ramify.cli._selective import SelectiveOptions
from ramify.cli._settings import GivenSetting, settings_in
from ramify.cli._words import stages_in
from ramify.tasks import SharingTree


@dataclass(frozen=True)
class SharingOptions:
    """What decides how tasks share, beside the name of the way.

    Attributes:
        max_parameters: Budget of a learned tree; by default validation data chooses.
        affinity: What a learned tree grows from: margins, margins-corrected (the default),
            gradient-cosine or gradient-factors.
        alpha: The paper's weight of separation against width, instead of the whole path.
        tree: JSON file of the tree for the way of sharing called tree.
        attach: TASK=STAGE: the stage, from 0 at the input, that the task's head reads in low-level;
            comma separated. The other tasks are at the last stage.
        set: NAME.SETTING=VALUE: a setting of a way of sharing or of a weighting, such as
            soft.alpha=300; comma separated. NAME is the word for it; without a form, as factorised,
            all its forms. A setting that does not exist is answered with those that do.
        selective: What concerns selective sharing only.
        growing_epochs: Epochs of the shared network before a tree is found or the given one begins.
        candidates: At most so many trees of fully-adaptive are trained to the end.
    """

    max_parameters: int | None = None
    affinity: str | None = None
    alpha: float | None = None
    tree: Path | None = None
    attach: str | list[str] = ""
    set: str | list[str] = ""
    selective: SelectiveOptions = field(default_factory=SelectiveOptions)
    growing_epochs: int = 4
    candidates: int = 4

    @property
    def settings(self) -> tuple[GivenSetting, ...]:
        """What ``--set`` says, of this way of sharing and of others.

        Raises:
            InputError: If it is malformed.
        """
        return settings_in(self.set)

    def given_stages(self) -> tuple[tuple[str, int], ...]:
        """Tasks whose heads read a lower stage, and which.

        Raises:
            InputError: If there are none, or they are malformed.
        """
        if stages := stages_in(self.attach):
            return stages
        raise InputError(
            "--sharing low-level needs --attach, such as --attach TASK=0: the stage that a task's "
            "head reads"
        )

    def given_tree(self) -> SharingTree:
        """The tree of the file.

        Raises:
            InputError: If there is none, or the file holds none.
        """
        if self.tree is None:
            raise InputError("--sharing tree needs --tree, the JSON file of a tree")
        try:
            return SharingTree.from_json(self.tree.read_text(encoding="utf-8-sig"))
        except InputError as error:
            raise InputError(f"--tree {quoted(self.tree)}: {error}") from None
        except OSError as error:
            raise InputError(
                f"--tree {quoted(self.tree)} cannot be read: {error.strerror}; name a JSON file"
            ) from None
        except UnicodeDecodeError:
            raise InputError(
                f"--tree {quoted(self.tree)} must be UTF-8 text; name a JSON file"
            ) from None


def owners_of_given(options: SharingOptions) -> dict[str, str]:
    """The options that were given and are for one way of sharing only, with that way."""
    grown = ("max_parameters", "alpha", "affinity")
    owners = dict.fromkeys(grown, "fully-adaptive") | {"tree": "tree", "attach": "low-level"}
    usual = SharingOptions()
    given = {
        name: who
        for name, who in owners.items()
        if getattr(options, name) not in (getattr(usual, name), [])
    }
    return given | dict.fromkeys(options.selective.given(), "selective")
