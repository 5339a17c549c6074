"""SQL in every field: it ends as data, or is refused; it never runs, and is never a 500."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel, request
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.serving.lifespan import serving

ATTACKS = [
    "'; DROP TABLE member; --",
    '"; DROP TABLE member; --',
    "' OR '1'='1",
    "' UNION SELECT id, secret, secret FROM member --",
    "\\'; DELETE FROM member; --",
    "%' OR name LIKE '%",
    "`; DROP TABLE member; #",
    "1); DELETE FROM member; --",
    ":name %(name)s $1 ? {name} %s",
    "/* */ pg_sleep(10) -- 0x27",
    "\uff07 OR 1=1 --",
]


@pytest.fixture
def club(url):
    """A club on each database, with a secret that no answer may have."""
    db = SQLAlchemy()

    class Member(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(sa.String(80))
        secret: Mapped[str] = mapped_column(sa.String(40), default="")

    app = Costrel("club")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, PROPAGATE_EXCEPTIONS=False)
    db.init_app(app)
    app.db, app.Member = db, Member
    orders = {"name": Member.name, "id": Member.id}

    @app.post("/members")
    def join():
        member = Member(name=request.form["name"])
        db.session.add(member)
        db.session.commit()
        return {"id": member.id, "name": db.session.get(Member, member.id).name}

    @app.post("/async/members")
    async def join_async():
        member = Member(name=request.form["name"])
        db.async_session.add(member)
        await db.async_session.commit()
        return {"id": member.id, "name": member.name}

    def filtered():
        wanted = request.args["name"]
        return {
            "equal": db.select(Member.name).filter_by(name=wanted),
            "contains": db.select(Member.name).where(Member.name.contains(wanted, autoescape=True)),
            "in": db.select(Member.name).where(Member.name.in_([wanted, wanted])),
            "text": sa.text("SELECT name FROM member WHERE name = :name").bindparams(name=wanted),
            "order": db.select(Member.name)
            .filter_by(name=wanted)
            .order_by(orders.get(wanted, Member.id))
            .limit(5),
        }[request.args["by"]]

    @app.get("/members")
    def search():
        return list(db.session.scalars(filtered()))

    @app.get("/async/members")
    async def search_async():
        return list(await db.async_session.scalars(filtered()))

    @app.get("/members/<number>")
    def show(number):
        return db.first_or_404(db.select(Member).filter_by(name=number)).name

    @app.get("/members/<int:number>")
    def show_by_number(number):
        return db.get_or_404(Member, number).name

    @app.get("/async/members/<int:number>")
    async def show_by_number_async(number):
        return (await db.aget_or_404(Member, number)).name

    @app.get("/page")
    def page():
        return [member.name for member in db.paginate(db.select(Member).order_by(Member.id))]

    with app.app_context():
        db.create_all()
        db.session.add(Member(name="Ada", secret="the secret"))
        db.session.commit()
    with serving(app):  # closes the async engines too
        yield app
    with app.app_context():
        assert db.session.scalars(db.select(Member.secret).filter_by(name="Ada")).all() == ["the secret"]
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("path", ["/members", "/async/members"])
def test_sql_in_a_form_is_stored_as_it_is(club, client, path):
    visitor = client(club)

    stored = [visitor.post(path, data={"name": attack}).json["name"] for attack in ATTACKS]

    assert stored == ATTACKS


@pytest.mark.parametrize("path", ["/members", "/async/members"])
@pytest.mark.parametrize("by", ["equal", "contains", "in", "text", "order"])
def test_sql_in_a_filter_finds_nothing(club, client, path, by):
    visitor = client(club)

    answers = [visitor.get(path, query_string={"name": attack, "by": by}) for attack in [*ATTACKS, "%", "_"]]

    if by == "contains":
        assert visitor.get(path, query_string={"name": "d", "by": by}).json == ["Ada"]
    assert [answer.json for answer in answers] == [[]] * len(answers)


def test_sql_in_a_path_or_page_number_is_a_404_or_the_first_page(club, client):
    visitor = client(club)

    shown = [visitor.get("/members/" + attack.replace("/", "")).status_code for attack in ATTACKS]
    pages = [
        visitor.get("/page", query_string={"page": attack, "per_page": attack}).status_code
        for attack in [*ATTACKS, "-1", "99999999999999999999", "1e9"]
    ]

    assert shown == [404] * len(ATTACKS)
    assert set(pages) == {404}


@pytest.mark.parametrize("path", ["/members", "/async/members"])
def test_value_that_does_not_fit_is_no_500(club, client, path):
    visitor = client(club)

    with_nul = visitor.post(path, data={"name": "Ada\0' OR 1=1 --"})
    too_long = visitor.post(path, data={"name": "x" * 10_000})
    too_large = visitor.get(f"{path}/99999999999999999999")

    assert with_nul.status_code in {200, 400}  # SQLite and MariaDB keep it, PostgreSQL cannot
    assert too_long.status_code in {200, 400}  # SQLite keeps it
    assert too_large.status_code in {400, 404}
    assert visitor.get("/members", query_string={"name": "Ada", "by": "equal"}).json == ["Ada"]
