// The admin's side of App Bridge: answers the app in the frame, and nobody else. Written from what Shopify's public
// pages say App Bridge does; what Perennial does not use is not here.
(() => {
  "use strict";

  const admin = document.getElementById("admin");
  const frame = document.getElementById("app");
  const menu = document.getElementById("app-menu");
  const bar = document.getElementById("save-bar");
  const { shop, app, base, locale } = admin.dataset;
  const origin = new URL(app).origin;
  let path = "/";

  const tell = (name, detail) => frame.contentWindow.postMessage({ bridge: 1, name, detail }, origin);

  const get = async (what) => (await fetch(`/_dev/shops/${shop}/${what}`)).json();

  // What the app may ask; a result goes back to whoever waits for it.
  const answers = {
    hello: () => ({ shop, locale }),
    idToken: async () => (await get("id-token")).id_token,
    extensions: () => get("extensions"),
    toast: ({ text, isError }) => toast(text, isError),
    menu: (items) => showMenu(items),
    location: (now) => moved(now),
    loading: (on) => { document.getElementById("loading").hidden = !on; },
    saveBar: (on) => { bar.hidden = !on; },
    leave: () => bar.hidden || window.confirm("Leave the page with unsaved changes?"),
  };

  window.addEventListener("message", async ({ data, origin: from, source }) => {
    if (from !== origin || source !== frame.contentWindow || data?.bridge !== 1 || !(data.name in answers)) return;
    const result = await answers[data.name](data.detail);
    source.postMessage({ bridge: 1, answers: data.id, result }, origin);
  });

  const toast = (text, isError) => {
    const line = document.createElement("p");
    line.textContent = text;
    if (isError) line.className = "error";
    document.getElementById("toasts").append(line);
    setTimeout(() => line.remove(), 5000);
  };

  const showMenu = (items) => {
    menu.replaceChildren(...items.map(({ href, text }) => {
      const link = document.createElement("a");
      link.href = base + (href === "/" ? "" : href);
      link.textContent = text;
      link.dataset.href = href;
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        tell("navigate", href);
      });
      return link;
    }));
    mark();
  };

  const mark = () => {
    const links = [...menu.querySelectorAll("a")];
    const fits = ({ dataset: { href } }) => href === path || (href !== "/" && path.startsWith(`${href}/`));
    for (const link of links) link.toggleAttribute("aria-current", fits(link));
    for (const link of links) if (fits(link)) link.setAttribute("aria-current", "page");
  };

  // The address of the admin follows the page in the frame, so that reloading comes back to it.
  const moved = (now) => {
    path = now.split("?")[0];
    history.replaceState(null, "", base + (now === "/" ? "" : now));
    mark();
  };

  document.getElementById("save").addEventListener("click", () => tell("save"));
  document.getElementById("discard").addEventListener("click", () => tell("discard"));
})();
