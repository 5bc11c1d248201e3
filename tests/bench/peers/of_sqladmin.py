"""SQLAdmin over the tables of Bookshelf, for people who are signed in; its forms have no token."""

import os

from sqladmin import Admin, ModelView
from sqladmin.authentication import AuthenticationBackend
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, relationship
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

engine = create_engine(os.environ["DATABASE_URL"])


class Base(DeclarativeBase):
    """What the tables are known by."""


Base.metadata.reflect(engine)
tables = Base.metadata.tables


class Author(Base):
    """An author."""

    __table__ = tables["authors"]

    def __str__(self):
        return self.name


class Book(Base):
    """A book."""

    __table__ = tables["books"]
    author = relationship(Author)


class User(Base):
    """A person."""

    __table__ = tables["users"]


class Door(AuthenticationBackend):
    """Who comes in is the first person, whatever was typed."""

    async def login(self, request):
        """Begin a session."""
        request.session["user"] = 1
        return True

    async def logout(self, request):
        """End it."""
        request.session.clear()
        return True

    async def authenticate(self, request):
        """Whether somebody is signed in, by one statement."""
        with admin.session_maker() as session:
            return session.get(User, request.session.get("user", 0)) is not None


class Authors(ModelView, model=Author):
    """The pages of authors."""

    column_list = ("name", "sort_name", "country")
    form_columns = ("name", "sort_name", "sort_key", "country", "bio")


class Books(ModelView, model=Book):
    """The pages of books; an author is picked as one types."""

    column_list = ("title", "author", "year", "publisher", "language", "isbn")
    form_columns = ("title", "sort_key", "author", "isbn", "year", "publisher", "language")
    form_ajax_refs = {  # noqa: RUF012
        "author": {"fields": ("sort_key",), "order_by": "sort_key", "limit": 8}
    }


async def livez(_request):
    """Say that it is there."""
    return PlainTextResponse("ok")


app = Starlette(routes=[Route("/livez", livez)])
door = Door(os.environ["SECRET_KEY"])
admin = Admin(app, engine, base_url="/", authentication_backend=door)
admin.add_view(Authors)
admin.add_view(Books)
