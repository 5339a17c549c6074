import pytest

from costrel.core.lazy import class_from, lazy


class Cup:
    measured = 0

    @lazy
    def size(self):
        """How much it holds."""
        self.measured += 1
        return 3


def test_value_is_computed_once_and_kept():
    cup = Cup()

    assert (cup.size, cup.size, cup.measured) == (3, 3, 1)


def test_value_can_be_set_before_and_computed_again_after_deleting():
    cup = Cup()
    cup.size = 5
    assert cup.size == 5

    del cup.size
    assert cup.size == 3


def test_class_answers_with_the_documented_attribute():
    assert Cup.size.__doc__ == "How much it holds."


def test_value_that_fails_is_tried_again():
    class Broken:
        tries = 0

        @lazy
        def value(self):
            self.tries += 1
            raise KeyError("later")

    broken = Broken()
    for _ in range(2):
        with pytest.raises(KeyError):
            broken.value
    assert broken.tries == 2


class Shelf:
    kind = class_from(lambda: Cup)


def test_class_can_be_read_from_class_subclass_and_instance():
    class Wide(Shelf):
        pass

    assert Shelf.kind is Wide.kind is Shelf().kind is Cup


def test_class_can_be_overridden_by_a_subclass_and_assigned_on_both():
    class Other(Shelf):
        kind = list

    shelf = Shelf()
    shelf.kind = dict
    assert (Other.kind, Other().kind, shelf.kind, Shelf.kind) == (list, list, dict, Cup)

    del shelf.kind
    assert shelf.kind is Cup

    Other.kind = tuple
    assert Other().kind is tuple


def test_class_that_was_patched_is_found_by_its_function_again(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "kind", dict)
        assert Shelf.kind is dict

    assert Shelf().kind is Cup
