// Ctrl K: the search page as a dialog over any page. Without a script the field in the bar leads to that page.
const palette = document.getElementById("palette");
const field = palette?.querySelector("input");

function open() {
  if (!palette || palette.open) return;
  palette.showModal();
  field.select();
  htmx.trigger(field, "opened");
}

function results() {
  return [...palette.querySelectorAll("a.result")];
}

function choose(step) {
  const all = results();
  if (!all.length) return;
  const at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
  const next = (at + step + all.length) % all.length;
  all.forEach((each, i) => (i === next ? each.setAttribute("aria-selected", "true") : each.removeAttribute("aria-selected")));
  all[next].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
  }
});

palette?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter") {
    const chosen = palette.querySelector('a.result[aria-selected="true"]') ?? results()[0];
    if (chosen && field.value) {
      event.preventDefault();
      location.assign(chosen.href);
    }
  }
});
palette?.addEventListener("htmx:afterSwap", () => choose(1));

for (const opener of document.querySelectorAll('[data-opens="palette"]')) {
  opener.addEventListener("focus", () => {
    opener.blur();
    open();
  });
}
