"""The one-query page that every figure is a ratio to: Flask without extensions, one indexed query, 6,144 bytes.

Served like the application: gunicorn gthread with 2 processes of 4 threads, the same database. No cookie, one
Core SELECT … LIMIT 25 of five columns over an index, HTML by Jinja.
"""

import os

from flask import Flask, render_template
from jinja2 import DictLoader
from sqlalchemy import (
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    insert,
    select,
)
from sqlalchemy.engine import Engine

BYTES = 6144
ROWS = 25
GROUPS = 120

metadata = MetaData()
shelf = Table(
    "bench_shelf",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("shelf", Integer, nullable=False),
    Column("name", String(40), nullable=False),
    Column("place", String(40), nullable=False),
    Column("price", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Index("ix_bench_shelf_shelf", "shelf", "id"),
)

ONE_QUERY = (
    select(shelf.c.id, shelf.c.name, shelf.c.place, shelf.c.price, shelf.c.count)
    .where(shelf.c.shelf == bindparam("shelf"))
    .order_by(shelf.c.id)
    .limit(ROWS)
)

PAGE = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>{{ title }}</title></head>
  <body>
    <h1>{{ title }}</h1>
    <table>
      <thead><tr><th>Number</th><th>Name</th><th>Place</th><th>Price</th><th>Count</th></tr></thead>
      <tbody>
      {% for row in rows %}
        <tr id="row-{{ row.id }}">
          <td class="num">{{ row.id }}</td><td><a href="/things/{{ row.id }}">{{ row.name }}</a></td>
          <td>{{ row.place }}</td><td class="num">{{ row.price }}</td><td class="num">{{ row.count }}</td>
        </tr>
      {% endfor %}
      </tbody>
    </table>
    <p>{{ "." * missing }}</p>
  </body>
</html>
"""


def fill(engine: Engine) -> None:
    """Make the reference's own table: 120 shelves with 25 things each."""
    metadata.drop_all(engine)
    metadata.create_all(engine)
    rows = [
        {
            "shelf": n // ROWS,
            "name": f"thing number {n:05d}",
            "place": f"shelf {n // ROWS:03d}, from the left {n % ROWS:02d}",
            "price": 100 + n % 900,
            "count": 10 + n % 90,
        }
        for n in range(ROWS * GROUPS)
    ]
    with engine.begin() as connection:
        connection.execute(insert(shelf), rows)


def make_app(url: str) -> Flask:
    """The reference application; `/` is its only page."""
    app = Flask("reference")
    app.jinja_loader = DictLoader({"page.html": PAGE})
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    engine = create_engine(url, pool_size=16)
    # How many dots make 6,144 bytes, by the length of the page without any: the rows differ by a digit or two.
    missing: dict[int, int] = {}

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.get("/<int:number>")
    def page(number: int) -> str:
        with engine.connect() as connection:
            rows = connection.execute(ONE_QUERY, {"shelf": number}).all()
        title = f"Shelf {number}"
        if number not in missing:
            missing[number] = BYTES - len(render_template("page.html", title=title, rows=rows, missing=0))
        return render_template("page.html", title=title, rows=rows, missing=missing[number])

    return app


def app() -> Flask:
    """For gunicorn: bench.reference:app()."""
    return make_app(os.environ["BENCH_URL"])
