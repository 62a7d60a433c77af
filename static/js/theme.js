// The theme switch without a reload. The form beside it does the same without a script.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.name !== "theme") return;
  event.preventDefault();
  const theme = button.value;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const each of document.querySelectorAll('button[name="theme"]')) each.setAttribute("aria-pressed", String(each === button));
  fetch(event.target.action, { method: "POST", body: new FormData(event.target, button), redirect: "manual" });
});
