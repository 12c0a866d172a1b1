// What the pages do in the browser besides htmx: words of App Bridge (toast, save bar, modal), downloads with the ID
// token, what is said when nothing answers. Everything works without it but saving; nothing here knows a page.
(() => {
  "use strict";

  const bridge = () => window.shopify;
  const words = (name) => document.body.dataset[name] || "";

  const say = (text, isError = false) => {
    if (!text) return;
    if (bridge()?.toast) bridge().toast.show(text, { isError, duration: 5000 });
    else announce(text);
  };

  // Where App Bridge is away the page says it itself.
  const announce = (text) => {
    let line = document.getElementById("announced");
    if (!line) {
      line = Object.assign(document.createElement("p"), { id: "announced", className: "announced" });
      line.setAttribute("role", "status");
      document.body.append(line);
    }
    line.textContent = text;
  };

  document.addEventListener("perennial:said", (event) => say(event.detail.text));

  document.addEventListener("htmx:error", (event) => {
    if (event.detail?.ctx) say(words("offline"), true);
  });

  // Answers without a page of ours (an error of a proxy, a crash) leave what was typed where it is.
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    const html = (ctx.response.headers.get("Content-Type") || "").includes("text/html");
    if (ctx.response.status >= 500 || (ctx.response.status >= 400 && !(html && ctx.text.includes('id="page"')))) {
      say(words("broken"), true);
      ctx.swap = "none";
      event.preventDefault();
    }
  });

  // The heading of a new page, or what is wrong with the form, is where a keyboard goes on.
  document.addEventListener("htmx:after:swap", (event) => {
    const page = document.getElementById("page");
    if (!page || !event.detail?.ctx) return;
    const stop = page.querySelector("[aria-invalid=true]") || page.querySelector("#refused") || page;
    stop.focus({ preventScroll: stop === page });
  });

  // Whether the theme shows us: only App Bridge can tell.
  const showEmbed = async () => {
    const parts = [...document.querySelectorAll("[data-embed]")];
    if (!parts.length || !bridge()?.app?.extensions) return;
    const extensions = await bridge().app.extensions();
    const blocks = extensions.flatMap((one) => (one.type === "theme_app_extension" ? one.activations : []));
    const embeds = blocks.filter((block) => block.target !== "section");
    if (!embeds.length) return;
    const state = embeds.some((block) => block.status === "active") ? "on" : "off";
    for (const part of parts) part.hidden = !part.dataset.embed.split(" ").includes(state);
  };
  document.addEventListener("htmx:after:swap", showEmbed);
  showEmbed();

  // App Bridge's menu and save bar.
  document.addEventListener("shopify:navigate", (event) => {
    const href = event.target?.getAttribute?.("href");
    if (!href || !window.htmx) return;
    event.preventDefault();
    open(href);
  });

  const open = async (href) => {
    await bridge()?.saveBar?.leaveConfirmation?.();
    window.htmx.ajax("GET", href, { target: "#page", select: "#page", swap: "outerHTML show:window:top", push: "true" });
  };

  // A question before something is changed for good: App Bridge's modal, else the browser's own.
  document.addEventListener("htmx:confirm", (event) => {
    const { ctx, issueRequest, dropRequest } = event.detail;
    if (!ctx.confirm || !bridge()?.modal || !customElements.get("ui-modal")) return;
    event.preventDefault();
    ask(ctx.confirm).then((yes) => (yes ? issueRequest() : dropRequest()));
  });

  const ask = (text) =>
    new Promise((resolve) => {
      const modal = document.createElement("ui-modal");
      const paragraph = document.createElement("p");
      const bar = document.createElement("ui-title-bar");
      const yes = document.createElement("button");
      const no = document.createElement("button");
      modal.id = "question";
      paragraph.textContent = text;
      bar.setAttribute("title", "Perennial");
      yes.setAttribute("variant", "primary");
      yes.textContent = words("confirm");
      no.textContent = words("cancel");
      let answer = false;
      yes.addEventListener("click", () => { answer = true; modal.hide(); });
      no.addEventListener("click", () => modal.hide());
      modal.addEventListener("hide", () => { resolve(answer); modal.remove(); });
      bar.append(yes, no);
      modal.append(paragraph, bar);
      document.body.append(modal);
      modal.show();
    });

  // A plain link to a file would come without the ID token.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-download]");
    if (!link) return;
    event.preventDefault();
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) return say(words("broken"), true);
      const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") || "");
      const address = URL.createObjectURL(await answer.blob());
      const kept = Object.assign(document.createElement("a"), { href: address, download: name ? name[1] : "perennial" });
      kept.click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    } catch {
      say(words("offline"), true);
    }
  });
})();
