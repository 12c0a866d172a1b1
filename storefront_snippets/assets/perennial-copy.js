// A member's link for friends: copied when its button is pressed; a customer who is no member yet becomes one, and has
// it. Fetched by the first press (blocks/referral.liquid), so that a page that is only read pays nothing for it.

const statusOf = (button) => button.closest(".perennial-referral").querySelector("[role=status]");

export const copy = async (button) => {
  const field = document.getElementById(button.dataset.perennialCopy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    statusOf(button).textContent = button.dataset.copied;
  } catch {
    // No permission, or an old browser: the link is selected, so the keyboard copies it.
  }
};

export const join = async (button) => {
  const field = document.getElementById(button.dataset.perennialJoin);
  button.disabled = true;
  try {
    const answer = await fetch(`${window.Shopify?.routes?.root ?? "/"}apps/perennial/join`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    const { referral_code: code } = await answer.json();
    if (!code) throw new Error("no code");
    field.value += encodeURIComponent(code);
    field.closest("[hidden]").hidden = false;
    button.closest("[data-perennial-joins]").hidden = true;
    field.focus();
  } catch {
    button.disabled = false;
    statusOf(button).textContent = button.dataset.failed;
  }
};
