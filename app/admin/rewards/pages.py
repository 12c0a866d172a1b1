"""The rewards' page: a table of what points buy, a form for a new reward, and a page for changing one."""

from datetime import timedelta

from app import clock
from app.admin.rewards import queries
from app.admin.texts import gettext as _
from app.admin.visit import Done, View, Visit
from app.errors import NotFound
from app.loyalty import reward_changes
from app.loyalty.models import Reward
from app.loyalty.programs import default_program

LATELY = timedelta(days=30)
MOST_POINTS = 1_000_000_000


def show_list(visit: Visit) -> View:
    """What there is, and how often it was taken lately."""
    taken = queries.taken_since(visit.session, visit.shop.id, clock.now() - LATELY)
    values = {"rewards": queries.rewards(visit.session, visit.shop.id), "taken": taken, "days": LATELY.days}
    return View("admin/rewards.html", values)


def add(visit: Visit) -> Done:
    """Offer an amount off for points."""
    form = visit.form
    title = form.text("title", needed=True, most=100)
    points = form.whole("points", least=1, most=MOST_POINTS)
    value = form.amount("value", visit.shop.currency, least=1)
    form.check()
    program = default_program(visit.session, visit.shop.id)
    reward_changes.add_reward(
        visit.session, visit.shop, program.id, title=title, points=points, value_minor=value, actor=visit.actor
    )
    return Done("/rewards", _("“%(title)s” is offered now.", title=title))


def show(visit: Visit, reward_id: int) -> View:
    """One reward, to be changed."""
    reward = _wanted(visit, reward_id)
    return View("admin/reward.html", {"reward": reward, "seen": seen(reward)})


def change(visit: Visit, reward_id: int) -> Done:
    """Title, price, and whether it is offered; codes issued before stay as they are."""
    form = visit.form
    reward = _wanted(visit, reward_id, locked=True)
    form.unchanged_since(seen(reward))
    changes = {
        "title": form.text("title", needed=True, most=100),
        "points": form.whole("points", least=1, most=MOST_POINTS),
        "active": form.has("active"),
    }
    form.check()
    reward_changes.change_reward(visit.session, visit.shop.id, reward.id, changes, actor=visit.actor)
    return Done("/rewards", _("The reward is saved."))


def seen(reward: Reward) -> str:
    """The reward as a form was made from it."""
    return repr([getattr(reward, name) for name in reward_changes.CHANGEABLE])


def _wanted(visit: Visit, reward_id: int, *, locked: bool = False) -> Reward:
    found = visit.session.get(Reward, (visit.shop.id, reward_id), with_for_update=locked)
    if found is None:
        raise NotFound(_("There is no such reward in this shop."))
    return found
