// A popup as people meet it: a dialog with an address field, then a code. Fetched by perennial.js when one is due.
// All texts are put in as text, never as markup. Pressing the button asks the app; a popup that was shown is counted once.

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

const root = () => window.Shopify?.routes?.root || "/";

const send = async (path, body) => {
  const answer = await fetch(`${root()}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
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

export class Popup {
  #popup;
  #config;
  #on;
  #words;
  #dialog;
  #finished = false;

  constructor(popup, config, on) {
    this.#popup = popup;
    this.#config = config;
    this.#on = on;
    this.#words = wording(popup, config);
  }

  async show(how) {
    await style(this.#config);
    const { texts } = this.#config;
    const title = make("h2", { id: "perennial-title", textContent: this.#words.title || "" });
    const close = make("button", { type: "button", className: "perennial-close", textContent: "×" });
    close.setAttribute("aria-label", texts.close);
    this.#dialog = make("dialog", { className: "perennial-popup" }, close, title, this.#question(how));
    this.#dialog.setAttribute("aria-labelledby", title.id);
    paint(this.#dialog, this.#popup, this.#config);
    close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    const left = () => count(this.#popup, false);
    window.addEventListener("pagehide", left);
    this.#dialog.addEventListener("close", () => {
      window.removeEventListener("pagehide", left);
      count(this.#popup, !this.#finished);
      this.#dialog.remove();
      if (!this.#finished) this.#on.closed();
    });
    document.body.append(this.#dialog);
    this.#dialog.showModal();
  }

  #question(how) {
    const { texts, email } = this.#config;
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
    const button = make("button", { className: "perennial-main", textContent: this.#words.button || texts.submit });
    const form = make(
      "form",
      { noValidate: true },
      make("label", { htmlFor: field.id, textContent: texts.email }),
      field,
      trap,
      make("p", { id: "perennial-consent", className: "perennial-consent", textContent: this.#words.consent || "" }),
      problem,
      button,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit({ field, trap, problem, button, how });
    });
    const body = this.#words.body && make("p", { textContent: this.#words.body });
    return make("div", { className: "perennial-body" }, body, form);
  }

  async #submit({ field, trap, problem, button, how }) {
    const { texts, language } = this.#config;
    problem.textContent = "";
    field.removeAttribute("aria-invalid");
    if (!field.value.trim() || !field.checkValidity()) return this.#complain(field, problem, texts.invalid);
    // Pressed twice is asked once.
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    const label = button.textContent;
    button.textContent = texts.wait;
    try {
      const answer = await send("apps/perennial/sign-up", {
        popup: this.#popup.id,
        email: field.value.trim(),
        company: trap.value,
        consent: this.#words.consent_version ?? null,
        language,
        page: this.#config.page,
        how,
        ref: new URLSearchParams(location.search).get("ref"),
      });
      if (answer.state === "invalid") this.#complain(field, problem, texts.invalid);
      else await this.#thank(answer);
    } catch {
      problem.textContent = texts.failed;
    } finally {
      button.removeAttribute("aria-disabled");
      button.textContent = label;
    }
  }

  #complain(field, problem, text) {
    field.setAttribute("aria-invalid", "true");
    problem.textContent = text;
    field.focus();
  }

  async #thank(answer) {
    this.#finished = true;
    this.#on.done();
    const { texts } = this.#config;
    const title = this.#dialog.querySelector("h2");
    title.textContent = this.#words.thanks || title.textContent;
    title.tabIndex = -1;
    const body = this.#dialog.querySelector(".perennial-body");
    if (!answer.code) {
      body.replaceChildren(make("p", { textContent: texts.later }));
      title.focus();
      return;
    }
    const status = make("p", { className: "perennial-status" });
    status.setAttribute("role", "status");
    const copy = make("button", { type: "button", className: "perennial-main", textContent: texts.copy });
    const code = make("code", { className: "perennial-code", textContent: answer.code });
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(answer.code);
        status.textContent = texts.copied;
      } catch {
        getSelection()?.selectAllChildren(code);
      }
    });
    body.replaceChildren(make("p", { textContent: texts.code }), code, copy, status);
    title.focus();
    const applied = await putIntoCart(answer.code).catch(() => false);
    status.textContent = applied ? texts.in_cart : texts.at_checkout;
  }
}

export const teaserFor = (popup, config, open) => {
  const text = wording(popup, config).teaser || wording(popup, config).title;
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
