// One frame of the popup editor: waits for what was typed, then lets the storefront's own script show it, as the theme
// editor does. Signing up is answered here, so that the last view can be seen; nothing is asked of anybody.
(() => {
  "use strict";
  const words = JSON.parse(document.getElementById("words").textContent);
  window.Shopify = { designMode: true, routes: { root: "/" } };
  navigator.sendBeacon = () => true;
  window.fetch = async (address) => {
    const body = String(address).includes("cart") ? { discount_codes: [] } : { state: "code", code: "EXAMPLE" };
    return new Response(JSON.stringify(body));
  };

  const show = ({ popup, language }) => {
    const config = {
      popups: [popup], page: "home", language, country: "", visitor: "new", email: "", cart: 0,
      look: { accent: "#1d5b4f", corner: "start" }, texts: words,
      dialog: "/popup-preview/perennial-dialog.js", style: "/popup-preview/perennial.css",
    };
    const source = document.createElement("script");
    Object.assign(source, { type: "application/json", id: "perennial-popups", textContent: JSON.stringify(config) });
    const script = document.createElement("script");
    script.src = "/popup-preview/perennial.js";
    script.onload = () => document.dispatchEvent(new CustomEvent("shopify:block:select", { bubbles: true }));
    document.body.append(source, script);
  };

  addEventListener("message", (event) => {
    if (event.origin !== location.origin || !event.data?.popup) return;
    if (window.perennial) location.reload();
    else show(event.data);
  });
  parent.postMessage({ stage: "ready" }, location.origin);
})();
