// Saved texts are put where the cursor was: chosen from the menu, or by ; and the whole name.
let last = null;

document.addEventListener("focusin", (event) => {
  if (event.target.matches(".composer textarea")) last = event.target;
});

document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-snippet]");
  if (!chosen) return;
  const area = last ?? document.querySelector(".composer textarea");
  put(area, area.selectionStart, area.selectionEnd, chosen.dataset.snippet);
});

document.addEventListener("input", (event) => {
  if (!event.target.matches(".composer textarea")) return;
  const menu = document.querySelector("[data-snippets]");
  const before = event.target.value.slice(0, event.target.selectionStart);
  const typed = before.match(/(?:^|\s);([^;\n]{1,60})$/u)?.[1].toLowerCase();
  if (!menu || typed === undefined) return;
  if (!menu.open) menu.open = true; // the list is fetched when it opens
  const named = [...menu.querySelectorAll("[data-snippet]")].find((each) => each.dataset.name === typed);
  if (named) put(event.target, before.length - typed.length - 1, before.length, named.dataset.snippet);
});

function put(area, start, end, text) {
  area.setRangeText(text, start, end, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}
