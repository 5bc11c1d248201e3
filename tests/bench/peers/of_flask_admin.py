"""Flask-Admin over the tables of Bookshelf, for people who are signed in by Flask-Login."""

import os

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import SecureForm
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_sqlalchemy import SQLAlchemy

app = Flask("peer")
app.secret_key = os.environ["SECRET_KEY"]
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
db = SQLAlchemy(app)
with app.app_context():
    db.reflect()
tables = db.metadata.tables


class Author(db.Model):
    """An author."""

    __table__ = tables["authors"]

    def __str__(self):
        return self.name


class Book(db.Model):
    """A book."""

    __table__ = tables["books"]
    author = db.relationship(Author, backref="books")


class User(UserMixin, db.Model):
    """A person."""

    __table__ = tables["users"]


class Pages(ModelView):
    """For who is signed in, with a token in each form."""

    form_base_class = SecureForm
    page_size = 50
    column_searchable_list = ("sort_key",)

    def is_accessible(self):
        """Whether somebody is signed in."""
        return current_user.is_authenticated


class Authors(Pages):
    """The pages of authors."""

    column_list = ("name", "sort_name", "country")
    form_columns = ("name", "sort_name", "sort_key", "country", "bio")


class Books(Pages):
    """The pages of books; an author is picked as one types."""

    column_list = ("title", "author", "year", "publisher", "language", "isbn")
    form_columns = ("title", "sort_key", "author", "isbn", "year", "publisher", "language")
    form_ajax_refs = {"author": {"fields": ("sort_key",), "page_size": 8}}  # noqa: RUF012


admin = Admin(app)
admin.add_view(Authors(Author, db.session, endpoint="authors", url="/authors"))
admin.add_view(Books(Book, db.session, endpoint="books", url="/books"))
people = LoginManager(app)


@people.user_loader
def person(user_id):
    """Who is signed in, by one statement."""
    return db.session.get(User, int(user_id))


@app.post("/login")
def login():
    """Let the first person in, whatever was typed."""
    login_user(db.session.get(User, 1))
    return "", 302


@app.get("/livez")
def livez():
    """Say that it is there."""
    return "ok"
