// Signing up as people meet it: an address field, then a code. In a dialog, fetched by perennial.js when one is due, or in
// a form that stands in the page (blocks/form.liquid), fetched when it is sent. All texts are put in as text, never as
// markup. Pressing the button asks the app; a popup that was shown is counted once.

const make = (tag, attributes = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children.filter((child) => child != null && child !== ""));
  return element;
};

let styled;
const style = (config) =>
  (styled ??= new Promise((ready) => {
    // A sheet that cannot be had must not keep the popup: the browser's own dialog is usable as it is.
    const link = make("link", { rel: "stylesheet", href: config.style, onload: ready, onerror: ready });
    document.head.append(link);
  }));

const wording = (popup, config) => {
  const texts = popup.texts || {};
  return texts[config.language] || texts[config.language.split("-")[0]] || texts.en || Object.values(texts)[0] || {};
};

const accent = (popup, config) => popup.look?.accent || config.look.accent || "#1d5b4f";

// Black or white, whichever can be read on a colour (WCAG's relative luminance).
const readable = (colour) => {
  const channels = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(colour)?.slice(1) || ["1d", "5b", "4f"];
  const [red, green, blue] = channels.map((part) => {
    const value = parseInt(part, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
};

const paint = (element, popup, config) => {
  const colour = accent(popup, config);
  element.style.setProperty("--perennial-accent", colour);
  element.style.setProperty("--perennial-on-accent", readable(colour));
};

// Seconds after which an empty pool of codes is asked again: it is being filled meanwhile.
const PATIENCE = [3, 6, 12, 24, 48];
const pause = (seconds) => new Promise((ready) => setTimeout(ready, seconds * 1000));

const root = () => window.Shopify?.routes?.root || "/";

const SIGN_UP = "apps/perennial/sign-up";

const send = async (path, body) => {
  const answer = await fetch(`${root()}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout?.(20_000),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
};

// One word to the app when a popup has been seen, without waiting for an answer; a browser that cannot just does not.
const count = (popup, closed) => {
  const body = new Blob([JSON.stringify({ popup: popup.id, closed })], { type: "application/json" });
  navigator.sendBeacon?.(`${root()}apps/perennial/seen`, body);
};

// Codes that are in the cart stay: the list that is sent replaces the list that is there.
const putIntoCart = async (code) => {
  const cart = await (await fetch(`${root()}cart.js`, { headers: { Accept: "application/json" } })).json();
  const there = (cart.discount_codes || []).map((entry) => entry.code);
  if (!there.some((other) => other.toUpperCase() === code.toUpperCase())) there.push(code);
  const after = await send("cart/update.js", { discount: there.join(",") });
  return (after.discount_codes || []).some((entry) => entry.code.toUpperCase() === code.toUpperCase());
};

// What happens to a form with an address: `place` holds the heading and the part below it, which the code takes;
// `offer` is what is asked for (popup, consent, language, page, how), `on` hears of what the browser should remember.
class SignUp {
  #form;
  #place;
  #offer;
  #texts;
  #thanks;
  #on;
  done = false;

  constructor(form, { place, offer, texts, thanks, on = {} }) {
    this.#form = form;
    this.#place = place;
    this.#offer = offer;
    this.#texts = texts;
    this.#thanks = thanks;
    this.#on = on;
  }

  async submit() {
    const texts = this.#texts;
    const { email, company } = this.#form.elements;
    const problem = this.#form.querySelector("[role=alert]");
    const button = this.#form.querySelector("button");
    problem.textContent = "";
    email.removeAttribute("aria-invalid");
    if (!email.value.trim() || !email.checkValidity()) return this.#complain(email, problem);
    // Pressed twice is asked once.
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    const label = button.textContent;
    button.textContent = texts.wait;
    try {
      const ref = new URLSearchParams(location.search).get("ref");
      const wish = { ...this.#offer, email: email.value.trim(), company: company.value, ref };
      const answer = await send(SIGN_UP, wish);
      if (answer.state === "invalid") this.#complain(email, problem);
      else if (answer.state === "later") this.#wait(wish, answer.mail);
      else if (typeof answer.code === "string") await this.#thank(answer.code);
      else throw new Error("not an answer of ours");
    } catch {
      problem.textContent = texts.failed;
    } finally {
      button.removeAttribute("aria-disabled");
      button.textContent = label;
    }
  }

  #complain(field, problem) {
    field.setAttribute("aria-invalid", "true");
    problem.textContent = this.#texts.invalid;
    field.focus();
  }

  // No code was left. Asked again with the same address, the app answers with the one that it has made meanwhile. It also
  // sends it, if it says so.
  async #wait(wish, mail) {
    this.#on.waits?.();
    const texts = this.#texts;
    const words = make("p", { textContent: mail ? texts.later_mail : texts.later });
    words.setAttribute("role", "status");
    const place = this.#greet();
    place.replaceChildren(words);
    for (const seconds of PATIENCE) {
      await pause(seconds);
      if (!place.isConnected) return;
      const answer = await send(SIGN_UP, wish).catch(() => null);
      if (typeof answer?.code === "string") return this.#thank(answer.code);
    }
    words.textContent = mail ? texts.not_yet_mail : texts.not_yet;
  }

  // The heading says thank you, and is where screen readers go on; returns what stands below it.
  #greet() {
    this.done = true;
    const title = this.#place.querySelector("h2");
    title.textContent = this.#thanks || title.textContent;
    title.focus();
    return this.#place.querySelector(".perennial-body");
  }

  async #thank(text) {
    this.#on.done?.();
    const texts = this.#texts;
    const status = make("p", { className: "perennial-status" });
    status.setAttribute("role", "status");
    const copy = make("button", { type: "button", className: "perennial-main", textContent: texts.copy });
    const code = make("code", { className: "perennial-code", textContent: text });
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        status.textContent = texts.copied;
      } catch {
        getSelection()?.selectAllChildren(code);
      }
    });
    this.#greet().replaceChildren(make("p", { textContent: texts.code }), code, copy, status);
    const applied = await putIntoCart(text).catch(() => false);
    status.textContent = applied ? texts.in_cart : texts.at_checkout;
  }
}

// A form that stands in the page was sent; beside its fields it carries what the page knows of the offer.
const standing = new WeakMap();

export const signUpIn = (form) => {
  if (!standing.has(form)) {
    const told = JSON.parse(form.querySelector("[type='application/json']").textContent);
    standing.set(form, new SignUp(form, { place: form.closest(".perennial-form"), ...told }));
  }
  return standing.get(form).submit();
};

export class Popup {
  #popup;
  #config;
  #on;
  #words;
  #dialog;
  #signUp;
  #code = false;

  constructor(popup, config, on) {
    this.#popup = popup;
    this.#config = config;
    this.#on = on;
    this.#words = wording(popup, config);
  }

  async show(how) {
    await style(this.#config);
    const { texts } = this.#config;
    const popup = this.#popup;
    // The heading is where reading begins. A field in focus would call up a phone's keyboard unasked.
    const title = make("h2", { id: "perennial-title", tabIndex: -1, textContent: this.#words.title || "" });
    const close = make("button", { type: "button", className: "perennial-close", textContent: "×" });
    close.setAttribute("aria-label", texts.close);
    this.#dialog = make("dialog", { className: "perennial-popup" }, close, title);
    this.#dialog.append(popup.greets ? this.#greeting() : this.#question(how));
    this.#dialog.setAttribute("aria-labelledby", title.id);
    paint(this.#dialog, popup, this.#config);
    close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    // Whatever comes first: the page is left, which may come back with the popup still open, or the popup is closed.
    let counted = popup.greets;
    const tell = (closed) => {
      if (!counted) count(popup, closed);
      counted = true;
    };
    const left = () => tell(false);
    window.addEventListener("pagehide", left);
    this.#dialog.addEventListener("close", () => {
      window.removeEventListener("pagehide", left);
      tell(!this.#signUp?.done);
      this.#dialog.remove();
      if (!this.#code) this.#on.closed();
    });
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    title.focus();
  }

  // Nothing is asked of a friend whom no popup of the merchant's greets.
  #greeting() {
    const go = make("button", { type: "button", className: "perennial-main", textContent: this.#words.button });
    go.addEventListener("click", () => this.#dialog.close());
    const told = [this.#words.body, this.#words.from].filter(Boolean).map((text) => make("p", { textContent: text }));
    return make("div", { className: "perennial-body" }, ...told, go);
  }

  #question(how) {
    const { texts, email, language, page } = this.#config;
    const field = make("input", {
      id: "perennial-email",
      type: "email",
      name: "email",
      autocomplete: "email",
      required: true,
      value: email || "",
    });
    field.setAttribute("aria-describedby", "perennial-consent perennial-problem");
    // People do not see this field; programs that fill in everything do.
    const trap = make("input", { name: "company", tabIndex: -1, autocomplete: "off", className: "perennial-trap" });
    trap.setAttribute("aria-hidden", "true");
    const problem = make("p", { id: "perennial-problem", className: "perennial-problem" });
    problem.setAttribute("role", "alert");
    const form = make(
      "form",
      { noValidate: true },
      make("label", { htmlFor: field.id, textContent: texts.email }),
      field,
      trap,
      problem,
      make("p", { id: "perennial-consent", className: "perennial-consent", textContent: this.#words.consent || "" }),
      make("button", { className: "perennial-main", textContent: this.#words.button || texts.submit }),
    );
    this.#signUp = new SignUp(form, {
      place: this.#dialog,
      offer: { popup: this.#popup.id, consent: this.#words.consent_version ?? null, language, page, how },
      texts,
      thanks: this.#words.thanks,
      on: {
        waits: this.#on.waits,
        done: () => {
          this.#code = true;
          this.#on.done();
        },
      },
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#signUp.submit();
    });
    const words = this.#on.owed ? texts.again : this.#words.body;
    const body = words && make("p", { textContent: words });
    return make("div", { className: "perennial-body" }, body, form);
  }
}

export const teaserFor = (popup, config, open, owed) => {
  const words = wording(popup, config);
  const text = owed ? config.texts.owed : words.teaser || words.title;
  if (!text) return;
  const button = make("button", { type: "button", className: "perennial-teaser", textContent: text });
  button.dataset.corner = config.look.corner;
  paint(button, popup, config);
  button.addEventListener("click", () => {
    button.remove();
    open();
  });
  document.body.append(button);
};
