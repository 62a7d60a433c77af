// Many choices: type to narrow them, and take all that are shown.
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-narrow]")) return;
  event.stopPropagation(); // it is no field of the form
  const wanted = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  const box = event.target.closest("[data-narrows]");
  for (const label of box.querySelectorAll("[data-words]")) {
    label.hidden = !wanted.every((word) => label.dataset.words.includes(word));
  }
  for (const group of box.querySelectorAll("[data-group]")) {
    group.hidden = !group.querySelector("[data-words]:not([hidden])");
  }
}, true);

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-narrow]")) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-all]")) return;
  const shown = [...event.target.closest("[data-narrows]").querySelectorAll("[data-words]:not([hidden]) input")];
  const all = shown.every((box) => box.checked);
  for (const box of shown) box.checked = !all;
  shown[0]?.dispatchEvent(new Event("change", { bubbles: true }));
});
