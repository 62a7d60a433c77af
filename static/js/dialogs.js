// Native dialogs. `data-dialog="id"` opens one; without a script the same link or button leads to a page that asks.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (dialog) {
      event.preventDefault();
      dialog.showModal();
    }
    return;
  }
  const closer = event.target.closest("[data-closes]");
  if (closer) {
    event.preventDefault();
    const target = closer.closest(closer.dataset.closes);
    if (target instanceof HTMLDialogElement) target.close();
    else target?.remove();
    return;
  }
  if (event.target instanceof HTMLDialogElement) event.target.close(); // the backdrop
});
