"""`flask --app wsgi demo load`: an invented community with its people, orders and sign-ins; never in production."""

import os
import time
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from webapp.base.errors import RuleBroken
from webapp.base.permissions import Role
from webapp.demo import load as demo
from webapp.demo import residents
from webapp.demo import scale as county
from webapp.demo.volunteer_list import LEAD, NEWCOMERS, RED_VESTS, VOLUNTEER, volunteer_names

cli = AppGroup("demo", help="Demo data: an invented community.")

ROLES = {
    Role.COUNTY_DISPATCHER: "county dispatcher 县调度",
    Role.ADMINISTRATOR: "administrator 管理员",
    Role.TOWN_DISPATCHER: "town dispatcher 镇调度",
    Role.COMMUNITY_HEAD: "community head 社区主任",
    Role.GRID_WORKER: "grid worker 网格员",
    Role.BUILDING_LEAD: "building lead 楼栋长",
}
RESIDENTS = (
    ("15400000101", "resident 居民 (3-2-501)"),
    ("15400000106", "resident, ordered by family 家里人订过 (3-1-601)"),
    ("15400000104", "resident, to be confirmed 待核实 (3-1-302)"),
    (LEAD, f"team lead 队长 ({RED_VESTS})"),
    (VOLUNTEER, "volunteer 志愿者"),
    (NEWCOMERS[0].phone, "volunteer, to be decided 待审核志愿者"),
)
NAMES = residents.NAMES | volunteer_names()


@cli.command("load")
@click.option("--if-empty", is_flag=True, help="Do nothing where there is data of another origin.")
def load(*, if_empty: bool) -> None:
    """Load the demo community 北辰社区, or finish a load that was interrupted."""
    if current_app.config["IS_PRODUCTION"]:
        if if_empty:
            return
        raise click.ClickException("Production gets no demo data. 生产环境不装演示数据。")
    if demo.began_at() is None and not demo.is_empty():
        if if_empty:
            return
        raise click.ClickException(
            "There is data already; the demo needs an empty database. 已有数据，演示需要空库。"
        )
    if demo.is_done():
        if not if_empty:
            click.echo("The demo is here already. 演示数据已经在了。")
        return
    click.echo("Loading the demo 装入演示数据 …")
    sign_ins = demo.load(say=lambda step: click.echo(f"  {step}"))
    path = Path(current_app.config["DATA_DIR"]) / "demo.txt"
    write_sign_ins(path, sign_ins)
    click.echo(f"Sign-ins 账号: {path}")


@cli.command("scale")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same county.")
@click.option(
    "--share",
    type=click.FloatRange(0.001, 1.0),
    default=1.0,
    show_default=True,
    help="How much of the county.",
)
def scale(*, seed: int, share: float) -> None:
    """Make a county at full size: 18,000 volunteers, 1,932 teams, 120 organisations, 26,000 cadres, 6,000 places."""
    if current_app.config["IS_PRODUCTION"]:
        raise click.ClickException("Production gets no demo data. 生产环境不装演示数据。")
    began = time.monotonic()
    try:
        made = county.scale(
            seed=seed, amounts=county.Amounts().share(share), say=lambda step: click.echo(f"  {step}")
        )
    except RuleBroken as error:
        raise click.ClickException("A county was made here already. 这个库里已经有一个县了。") from error
    click.echo(f"Made in {time.monotonic() - began:.0f} s: {made}")


def write_sign_ins(path: Path, sign_ins: demo.SignIns) -> None:
    """One sign-in of each role, readable by the owner of the data directory only."""
    lines = [
        "Demo sign-ins 演示账号. The people are invented; their numbers reach nobody. 人是编的，号码打不通。",
        "",
        "With phone and password 手机号和密码 (/accounts/sign-in/password):",
        *(f"  {phone}  {sign_ins.password}  {name}  {ROLES[role]}" for role, name, phone in sign_ins.staff),
        "",
        "With phone and code 手机号和登录码 (/accounts/sign-in); the code appears in this terminal 登录码显示在本终端:",
        *(f"  {phone}  {NAMES[phone]}  {what}" for phone, what in RESIDENTS),
    ]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
