// The development store's App Bridge: the part of Shopify's surface that Perennial uses, under the same names.
// In a frame it asks the admin around it (frame.js); a page that stands alone is served by the store itself.
(() => {
  "use strict";

  const script = document.currentScript;
  const store = new URL(script.src).origin;
  const apiKey = script.dataset.apiKey || document.querySelector('meta[name="shopify-api-key"]')?.content || "";
  const framed = window.top !== window.self;
  const query = new URLSearchParams(location.search);
  const RETRY = "X-Shopify-Retry-Invalid-Session-Request";

  let next = 0;
  const waiting = new Map();
  const ask = (name, detail) =>
    new Promise((resolve) => {
      next += 1;
      waiting.set(next, resolve);
      window.parent.postMessage({ bridge: 1, id: next, name, detail }, store);
    });

  window.addEventListener("message", ({ data, origin, source }) => {
    if (origin !== store || source !== window.parent || data?.bridge !== 1) return;
    if (data.answers) {
      waiting.get(data.answers)?.(data.result);
      waiting.delete(data.answers);
    } else if (data.name === "navigate") navigate(data.detail);
    else if (data.name === "save") form?.requestSubmit();
    else if (data.name === "discard") discard();
  });

  // Standing alone: which shop it is was said by the address once, and is kept for this tab.
  const REMEMBERED = "development-shop";
  if (!framed && query.get("shop")) sessionStorage.setItem(REMEMBERED, query.get("shop"));
  const alone = async (what) => {
    const answer = await original(`${store}/_dev/shops/${sessionStorage.getItem(REMEMBERED)}/${what}`);
    return answer.json();
  };

  const original = window.fetch.bind(window);
  const idToken = async () => (framed ? ask("idToken") : (await alone("id-token")).id_token);

  window.fetch = async (input, options = {}) => {
    const request = new Request(input, options);
    if (new URL(request.url).origin !== location.origin || request.headers.has("Authorization")) return original(request);
    const again = request.clone();
    request.headers.set("Authorization", `Bearer ${await idToken()}`);
    const answer = await original(request);
    if (answer.status !== 401 || !answer.headers.has(RETRY)) return answer;
    again.headers.set("Authorization", `Bearer ${await idToken()}`);
    return original(again);
  };

  // The page that patches the token: load the address it names, of this app only, with a fresh one.
  const reload = query.get("shopify-reload");
  if (reload) {
    const address = new URL(reload, location.origin);
    if (address.origin === location.origin && (framed || sessionStorage.getItem(REMEMBERED))) {
      idToken().then((token) => {
        address.searchParams.set("id_token", token);
        location.replace(address);
      });
    }
  }

  // Toasts.
  const toast = {
    show(text, { isError = false, duration = 5000 } = {}) {
      if (framed) return void ask("toast", { text, isError });
      const line = Object.assign(document.createElement("p"), { className: "announced", textContent: text });
      line.setAttribute("role", "status");
      document.body.append(line);
      setTimeout(() => line.remove(), duration);
    },
    hide() {},
  };

  // The save bar of <form data-save-bar>.
  let form = null;
  const written = (of) => new URLSearchParams(new FormData(of)).toString();
  const setBar = (of) => {
    if (form === of) return;
    form = of;
    if (framed) ask("saveBar", of !== null);
  };
  const discard = () => {
    form?.reset();
    setBar(null);
  };
  const edited = ({ target }) => {
    const of = target.closest?.("form[data-save-bar]");
    if (of) setBar(written(of) === of.untouched ? null : of);
  };
  document.addEventListener("focusin", ({ target }) => {
    const of = target.closest?.("form[data-save-bar]");
    if (of && of.untouched === undefined) of.untouched = written(of);
  });
  document.addEventListener("input", edited);
  document.addEventListener("change", edited);
  document.addEventListener("submit", ({ target }) => { if (target === form) setBar(null); });
  const saveBar = {
    show: async () => { if (framed) await ask("saveBar", true); },
    hide: async () => { setBar(null); if (framed) await ask("saveBar", false); },
    leaveConfirmation: async () => {
      if (!form) return;
      if (!(framed ? await ask("leave") : window.confirm("Leave the page with unsaved changes?"))) await new Promise(() => {});
      setBar(null);
    },
  };

  // The menu.
  class Menu extends HTMLElement {
    connectedCallback() {
      if (!framed) this.setAttribute("data-standalone", "");
      else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.tell());
      else this.tell();
    }

    tell() {
      const links = [...this.querySelectorAll("a")];
      ask("menu", links.map((link) => ({ href: link.getAttribute("href"), text: link.textContent })));
    }
  }
  const navigate = (href) => {
    const link = [...document.querySelectorAll("ui-nav-menu a")].find((one) => one.getAttribute("href") === href);
    const event = new CustomEvent("shopify:navigate", { bubbles: true, cancelable: true });
    if (link && !link.dispatchEvent(event)) return;
    location.assign(href);
  };

  // A modal with the title bar's buttons; Shopify shows it above its admin, this one within the frame.
  class Modal extends HTMLElement {
    show() {
      const bar = this.querySelector("ui-title-bar");
      const dialog = document.createElement("dialog");
      const title = Object.assign(document.createElement("h2"), { textContent: bar?.getAttribute("title") || "" });
      const buttons = Object.assign(document.createElement("p"), { className: "buttons" });
      title.id = "modal-title";
      dialog.setAttribute("aria-labelledby", title.id);
      for (const button of bar?.querySelectorAll("button") || []) {
        const shown = Object.assign(document.createElement("button"), { type: "button", textContent: button.textContent });
        shown.className = button.getAttribute("variant") === "primary" ? "button primary" : "button";
        shown.addEventListener("click", () => button.click());
        buttons.append(shown);
      }
      const content = [...this.children].filter((child) => child !== bar).map((child) => child.cloneNode(true));
      dialog.append(title, ...content, buttons);
      dialog.addEventListener("close", () => {
        dialog.remove();
        this.dialog = null;
        this.dispatchEvent(new CustomEvent("hide"));
      });
      document.body.append(dialog);
      this.dialog = dialog;
      dialog.showModal();
      this.dispatchEvent(new CustomEvent("show"));
    }

    hide() { this.dialog?.close(); }

    toggle() { if (this.dialog) this.hide(); else this.show(); }
  }
  const modalOf = (id) => document.getElementById(id);
  const modal = {
    show: async (id) => modalOf(id)?.show(),
    hide: async (id) => modalOf(id)?.hide(),
    toggle: async (id) => modalOf(id)?.toggle(),
  };

  // The admin follows where the page goes.
  const told = () => {
    const at = new URL(location.href);
    for (const name of ["id_token", "hmac", "host", "shop", "session", "timestamp", "embedded", "locale"]) at.searchParams.delete(name);
    if (framed && !reload) ask("location", at.pathname + at.search);
  };
  for (const name of ["pushState", "replaceState"]) {
    const kept = history[name].bind(history);
    history[name] = (...values) => { kept(...values); told(); };
  }
  window.addEventListener("popstate", told);

  window.shopify = {
    config: { apiKey, shop: query.get("shop") || sessionStorage.getItem(REMEMBERED) || "", locale: query.get("locale") || "en" },
    environment: { embedded: framed, mobile: false, pos: false },
    idToken,
    toast,
    saveBar,
    modal,
    loading: (on) => { if (framed) ask("loading", Boolean(on)); },
    app: { extensions: () => (framed ? ask("extensions") : alone("extensions")) },
  };
  customElements.define("ui-nav-menu", Menu);
  customElements.define("ui-modal", Modal);
  told();
})();
