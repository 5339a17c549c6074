"""The names by which Flask-Login's users ask which one they have are there."""

from importlib.metadata import version

from costrel.ext.login import __about__


def test_it_tells_its_name_version_and_licence():
    assert (__about__.__title__, __about__.__version__) == ("costrel.ext.login", version("costrel"))
    assert ".".join(__about__.__version_info__) == version("costrel")
    assert __about__.__license__ == "BSD-3-Clause"
    assert all((__about__.__author__, __about__.__url__, __about__.__description__))
