"""Every address of the admin: pages that are looked at (GET) and actions that change something (POST).

A row is all there is to add for a new page: `routes.py` serves the rows, `NAVIGATION` says what stands in the menu, and
the tests of security run over all of them. Handlers are described in `visit.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.admin.activity import pages as activity
from app.admin.codes import pages as codes
from app.admin.home import pages as home
from app.admin.members import merging
from app.admin.members import pages as members
from app.admin.popups import pages as popups
from app.admin.program import changing, past
from app.admin.program import pages as program
from app.admin.referrals import pages as referrals
from app.admin.rewards import pages as rewards
from app.admin.segments import pages as segments
from app.admin.settings import pages as settings
from app.admin.setup import pages as setup
from app.admin.texts import lazy_gettext as _
from app.admin.visit import Done, File, View

Looked = View | File


@dataclass(frozen=True)
class Page:
    """A page by its address (Flask's rules: `/members/<int:account_id>`); `look(visit, **path)` shows it."""

    path: str
    look: Callable[..., Looked]


@dataclass(frozen=True)
class Action:
    """A change by its address. `do(visit, **path)` carries it out; `again(visit, **path)` shows the form once more."""

    path: str
    do: Callable[..., Done]
    again: Callable[..., Looked]


PAGES: tuple[Page, ...] = (
    Page("/", home.show),
    Page("/setup", setup.goal),
    Page("/setup/program", setup.program),
    Page("/setup/numbers", setup.numbers),
    Page("/setup/look", setup.look),
    Page("/setup/preview", setup.preview),
    Page("/members", members.show_list),
    Page("/members.csv", members.download),
    Page("/members/merges", merging.show),
    Page("/members/<int:account_id>", members.show),
    Page("/members/<int:account_id>/ledger", members.show_ledger),
    Page("/program", program.show),
    Page("/program/past", past.show),
    Page("/program/change", changing.show_form),
    Page("/program/preview/<int:question_id>", changing.show_preview),
    Page("/rewards", rewards.show_list),
    Page("/rewards/<int:reward_id>", rewards.show),
    Page("/popups", popups.show_list),
    Page("/popups/new", popups.show_new),
    Page("/popups/<int:popup_id>", popups.show),
    Page("/referrals", referrals.show_list),
    Page("/segments", segments.show_list),
    Page("/segments/new", segments.show_editor),
    Page("/segments/<int:segment_id>", segments.show),
    Page("/segments/<int:segment_id>/edit", segments.show_editor),
    Page("/codes", codes.show_list),
    Page("/activity", activity.show),
    Page("/activity/webhooks", activity.show_events),
    Page("/activity/webhooks/<int:event_id>", activity.show_event),
    Page("/activity/imports", activity.show_imports),
    Page("/activity/changes", activity.show_changes),
    Page("/settings", settings.show),
    Page("/settings/export", settings.export),
    Page("/settings/requests/<int:request_id>.json", settings.hand_out),
)
ACTIONS: tuple[Action, ...] = (
    Action("/setup", setup.save_goal, again=setup.goal),
    Action("/setup/program", setup.save_program, again=setup.program),
    Action("/setup/numbers", setup.save_numbers, again=setup.numbers),
    Action("/setup/look", setup.save_look, again=setup.look),
    Action("/setup/work-out", setup.work_out, again=setup.preview),
    Action("/setup/launch", setup.launch, again=setup.preview),
    Action("/members/<int:account_id>/points", members.adjust, again=members.show),
    Action("/members/merges", merging.merge, again=merging.show),
    Action("/members/merges/apart", merging.tell_apart, again=merging.show),
    Action("/members/merges/<int:merge_id>/part", merging.part, again=lambda visit, merge_id: merging.show(visit)),
    Action("/program/switch", program.switch, again=program.show),
    Action("/program/terms", program.change_terms, again=program.show),
    Action("/program/past", past.choose, again=past.show),
    Action("/program/preview", changing.ask, again=changing.show_form),
    Action("/program/preview/<int:question_id>", changing.put_in_force, again=changing.show_preview),
    Action("/rewards", rewards.add, again=rewards.show_list),
    Action("/rewards/<int:reward_id>", rewards.change, again=rewards.show),
    Action("/popups", popups.create, again=popups.show_new),
    Action("/popups/<int:popup_id>", popups.change, again=popups.show),
    Action("/popups/<int:popup_id>/switch", popups.switch, again=popups.show),
    Action("/segments", segments.create, again=segments.show_editor),
    Action("/segments/<int:segment_id>", segments.change, again=segments.show_editor),
    Action("/segments/<int:segment_id>/remove", segments.remove, again=segments.show),
    Action("/activity/replay", activity.replay_many, again=activity.show),
    Action("/activity/webhooks/<int:event_id>/replay", activity.replay, again=activity.show_event),
    Action("/activity/webhooks/<int:event_id>/dismiss", activity.dismiss, again=activity.show_event),
    Action("/settings/language", settings.choose_language, again=settings.show),
    Action("/settings/brand", settings.save_brand, again=settings.show),
    Action("/settings/keys", settings.create_key, again=settings.show),
    Action("/settings/keys/<int:key_id>/revoke", settings.revoke_key, again=lambda visit, key_id: settings.show(visit)),
)

# Address and words of the menu, in its order.
NAVIGATION = (
    ("/", _("Home")),
    ("/members", _("Members")),
    ("/program", _("Program")),
    ("/rewards", _("Rewards")),
    ("/popups", _("Popups")),
    ("/referrals", _("Referrals")),
    ("/segments", _("Segments")),
    ("/codes", _("Codes")),
    ("/activity", _("Activity")),
    ("/settings", _("Settings")),
)
