// The popup editor's preview: what is typed goes to the frames, where the storefront's own script shows it.
(() => {
  "use strict";
  const texts = ["title", "body", "button", "consent", "thanks", "teaser"];

  const typed = (form, language) => {
    const value = (name) => form.elements[name]?.value.trim() || "";
    const words = Object.fromEntries(
      texts.map((name) => [name, value(`${name}.${language}`)]).filter(([, text]) => text),
    );
    return {
      language,
      popup: {
        id: 0, trigger: {}, target: {}, frequency: {}, teaser: form.elements.teaser?.checked ?? true,
        look: { accent: value("accent") }, texts: { [language]: words },
      },
    };
  };

  const setUp = (form) => {
    const stages = document.querySelectorAll("[data-stage] iframe");
    const chosen = document.querySelector("[data-stage-language]");
    const language = () => chosen?.value || form.dataset.language || "en";
    const send = (frame) => frame.contentWindow?.postMessage(typed(form, language()), location.origin);
    let timer;
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(() => stages.forEach(send), 300);
    };
    form.addEventListener("input", later);
    chosen?.addEventListener("change", () => {
      for (const frame of stages) frame.src = `/popup-preview?language=${encodeURIComponent(language())}`;
    });
    const ready = (event) => {
      if (!form.isConnected) return removeEventListener("message", ready);
      if (event.origin !== location.origin || event.data?.stage !== "ready") return;
      const frame = [...stages].find((one) => one.contentWindow === event.source);
      if (frame) send(frame);
    };
    addEventListener("message", ready);
    stages.forEach(send);
  };

  const look = () => {
    const form = document.getElementById("popup-form");
    if (form && !form.dataset.ready) {
      form.dataset.ready = "1";
      setUp(form);
    }
  };
  document.addEventListener("htmx:after:swap", look);
  look();
})();
