// Decides whether a popup may be shown, and when. The starter in blocks/popups.liquid fetches it when the visitor does
// something, when a popup's time may have come, or when a friend's link was followed; what was met until then is in
// `perennial.met`. What a popup looks like and does is in perennial-dialog.js, fetched when the moment has come. It asks
// the app nothing.
(() => {
  "use strict";
  const source = document.getElementById("perennial-popups");
  const { met = [], signs = [], wake, awake } = window.perennial || {};
  if (!source || awake) return;
  for (const sign of signs) removeEventListener(sign, wake, true);
  const config = JSON.parse(source.textContent);
  const popups = config.popups || [];
  const DAY = 86_400_000;
  const KEY = "perennial";
  const SELECTED = "shopify:block:select";
  // Themes may have taken storage away, or the visitor has not agreed to it: then this page view is all we remember.
  const allowed = () => window.Shopify?.customerPrivacy?.preferencesProcessingAllowed?.() !== false;
  const read = (place) => {
    try {
      return JSON.parse(place().getItem(KEY)) || {};
    } catch {
      return {};
    }
  };
  const write = (place, value) => {
    try {
      place().setItem(KEY, JSON.stringify(value));
    } catch {
      // Full or forbidden: a popup may then be seen again, which is all that is lost.
    }
  };
  const lasting = () => window.localStorage;
  const session = () => window.sessionStorage;
  const remember = () => allowed() && write(lasting, memory);
  const memory = { seen: {}, done: [], owed: [], ...read(lasting) };
  const phone = window.matchMedia("(hover: none), (max-width: 749px)").matches;
  const visitor = config.visitor === "new" && memory.known ? "known" : config.visitor;

  const has = (list, value) => !list?.length || list.includes(value);
  const onPath = (pattern) =>
    pattern.endsWith("*") ? location.pathname.startsWith(pattern.slice(0, -1)) : location.pathname === pattern;

  // Bounds are in the shop's currency, the cart is in the visitor's.
  const cart = config.cart / (Number(window.Shopify?.currency?.rate) || 1);

  const targeted = ({ target = {} }) =>
    has(target.pages, config.page) &&
    has(target.devices, phone ? "phone" : "desktop") &&
    has(target.languages, config.language) &&
    has(target.countries, config.country) &&
    has(target.visitors, visitor) &&
    (!target.paths?.length || target.paths.some(onPath)) &&
    cart >= (target.cart_from ?? 0) &&
    (target.cart_to == null || cart < target.cart_to);

  const rested = ({ id, frequency = {} }) => {
    const seen = memory.seen[id] || [];
    const last = seen[seen.length - 1] || 0;
    const { days = 14, times = 3 } = frequency;
    return !memory.done.includes(id) && seen.length < times && Date.now() - last >= days * DAY;
  };

  // What cannot be a code is none.
  const [invited] = /^[\w-]{1,40}$/.exec(new URLSearchParams(location.search).get("ref") || "") || [];
  let shown = false;

  const open = async (popup, how) => {
    if (shown || !popup) return;
    shown = true;
    // Without a network there is no popup; the page goes on as if there were none.
    const { Popup } = await import(config.dialog).catch(() => ({}));
    if (!Popup) return;
    const dialog = new Popup(popup, config, {
      owed: isOwed(popup),
      // Signed up, and the code is still being made: it can be asked for again.
      waits: () => {
        memory.owed = [...memory.owed.filter((id) => id !== popup.id), popup.id];
        remember();
      },
      done: () => {
        memory.done.push(popup.id);
        memory.owed = memory.owed.filter((id) => id !== popup.id);
        remember();
      },
      closed: () => teaser(popup),
    });
    memory.seen[popup.id] = [...(memory.seen[popup.id] || []), Date.now()].slice(-9);
    remember();
    await dialog.show(how);
  };

  const isOwed = ({ id }) => memory.owed.includes(id) && !memory.done.includes(id);

  // After a popup was closed without a code, a small button brings it back. It is not shown again by itself.
  const teaser = async (popup) => {
    const owed = isOwed(popup);
    if (!owed && (!popup.teaser || memory.done.includes(popup.id))) return;
    const { teaserFor } = await import(config.dialog).catch(() => ({}));
    const again = () => {
      shown = false;
      open(popup, "teaser");
    };
    teaserFor?.(popup, config, again, owed);
  };

  const triggers = {
    delay: (fire, seconds) => setTimeout(fire, seconds * 1000 - performance.now()),
    scroll: (fire, percent) => {
      const check = () => {
        const room = document.documentElement.scrollHeight - innerHeight;
        if (room > 0 && scrollY / room >= percent / 100) fire();
      };
      addEventListener("scroll", check, { passive: true });
      check();
    },
    idle: (fire, seconds) => {
      const lastSign = met[met.length - 1]?.timeStamp || 0;
      let timer = setTimeout(fire, seconds * 1000 - performance.now() + lastSign);
      const rest = () => {
        clearTimeout(timer);
        timer = setTimeout(fire, seconds * 1000);
      };
      for (const sign of ["pointermove", "keydown", "scroll"]) addEventListener(sign, rest, { passive: true });
    },
    exit: (fire) => (phone ? leavesOnPhone(fire) : leavesOnDesktop(fire)),
    invited: (fire) => invited && fire(),
  };

  // The pointer leaves through the upper edge, where tabs and the address are.
  const leavesOnDesktop = (fire) => {
    const check = ({ type, relatedTarget, clientY }) => {
      if (type === "mouseout" && !relatedTarget && clientY <= 0) fire();
    };
    document.addEventListener("mouseout", check);
    met.forEach(check);
  };

  // On phones: a quick scroll back up after reading, or coming back to a tab that was left. The back gesture is left
  // alone: a page that catches it keeps people who want to go.
  const leavesOnPhone = (fire) => {
    let top = scrollY;
    let at = performance.now();
    let deepest = 0;
    addEventListener(
      "scroll",
      () => {
        const now = performance.now();
        if (now - at < 60) return;
        deepest = Math.max(deepest, scrollY);
        if (deepest > innerHeight / 2 && (top - scrollY) / (now - at) > 1.5) fire();
        top = scrollY;
        at = now;
      },
      { passive: true },
    );
    let left = document.hidden ? Date.now() : 0;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) left = Date.now();
      else if (left && Date.now() - left > 3000) fire();
    });
  };

  const arm = (popup) => {
    for (const [name, value] of Object.entries(popup.trigger)) {
      if (value !== false && value != null) triggers[name]?.(() => open(popup, name), value);
    }
  };

  // A friend's code goes into the cart once a visit, so that the order tells who sent the buyer. Where no popup of the
  // merchant's greets friends, they are told then what their first order is worth.
  const receive = (isGreeted) => {
    const visit = read(session);
    if (visit.ref === invited) return;
    if (allowed()) write(session, { ...visit, ref: invited });
    if (config.greeting && !isGreeted) {
      open({ id: "friend", greets: true, trigger: {}, texts: { [config.language]: config.greeting } }, "invited");
    }
    fetch(`${window.Shopify?.routes?.root || "/"}cart/update.js`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ attributes: { _ref: invited } }),
    }).catch(() => {});
  };

  // In the theme editor a popup is shown while its embed is selected, and never by itself.
  const preview = () => {
    const select = ({ type }) => {
      if (type !== SELECTED) return;
      shown = false;
      open(popups.find(({ trigger }) => !trigger.form) || popups[0], "preview");
    };
    document.addEventListener(SELECTED, select);
    met.forEach(select);
  };

  const begin = () => {
    if (!memory.known) {
      memory.known = true;
      remember();
    }
    const meant = popups.filter((popup) => targeted(popup) && (rested(popup) || popup.trigger.invited));
    meant.filter((popup) => !isOwed(popup)).forEach(arm);
    popups.filter(isOwed).slice(0, 1).forEach(teaser);
    if (invited) receive(meant.some(({ trigger }) => trigger.invited));
  };

  const openById = (id) => open(popups.find((popup) => popup.id === id), "asked");
  window.perennial = { awake: true, open: openById };
  if (window.Shopify?.designMode) preview();
  else begin();
  // What the theme asked for meanwhile.
  met.filter(Number.isInteger).forEach(openById);
})();
