"""All tables, so that Alembic and tests see one metadata. Nothing else imports this module."""

import app.admin.members.models
import app.admin.models
import app.api.models
import app.audit.models
import app.customers.merge_models
import app.customers.models
import app.discounts.models
import app.discounts.pools.models
import app.intake.models
import app.loyalty.models
import app.loyalty.run_models
import app.loyalty.seal_models
import app.orders.models
import app.popups.models
import app.processes
import app.products.models
import app.referrals.models
import app.segments.models
import app.shops.models
import app.storefront.models
import app.transfer.models  # noqa: F401 - imported for the tables they declare
import webhooks.models  # noqa: F401 - imported for the tables they declare
from app.db import Base

metadata = Base.metadata

__all__ = ["metadata"]
