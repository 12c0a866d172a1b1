"""The shop's admin as its owner sees it: a frame around the app with App Bridge's surface, and plain lists.

`frame` shows the app at `/<shop>/admin/apps/<client id>`, gives App Bridge its script and its ID tokens; `lists` are
orders, customers and the theme editor's one switch. The frame and the app are two origins, as they are at Shopify.
"""

from dev_store.admin import frame, lists

blueprints = (frame.blueprint, lists.blueprint)
