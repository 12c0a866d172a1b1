// Copies a link when its button is pressed, and says so. One listener for all blocks of the page.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-perennial-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.perennialCopy);
  const status = button.closest(".perennial-referral").querySelector("[role=status]");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    status.textContent = button.dataset.copied;
  } catch {
    // No permission, or an old browser: the link is selected, so the keyboard copies it.
  }
});
