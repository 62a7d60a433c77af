// Keys for those who live here. A key names what it presses: data-key="r" on a link, a button or a field.
// j and k move through the links of [data-list]; g and a letter go to a page; ? tells all of it.
let going = 0;

function typing(target) {
  return target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]");
}

function step(list, by) {
  const links = [...list.querySelectorAll("a[href]:not([data-skip])")].filter((link) => link.offsetParent);
  const at = links.indexOf(document.activeElement);
  const from = at >= 0 ? at : links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = links[Math.min(links.length - 1, Math.max(0, from + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function go(letter) {
  const tabs = [...document.querySelectorAll(".tabs a.tab")];
  const found = tabs.find((tab) => tab.textContent.trim().toLowerCase().startsWith(letter));
  if (found) location.assign(found.href);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const key = event.key;
  if (going && Date.now() - going < 1200) {
    going = 0;
    return go(key.toLowerCase());
  }
  if (key === "g") return void (going = Date.now());
  if (key === "?") return void document.getElementById("keys")?.showModal();
  if (key === "/") {
    const search = document.querySelector('main input[type="search"]') ?? document.querySelector('.bar input[type="search"]');
    if (search) {
      event.preventDefault();
      search.focus();
    }
    return;
  }
  const list = document.querySelector("[data-list]");
  if (list && (key === "j" || key === "k")) {
    event.preventDefault();
    return step(list, key === "j" ? 1 : -1);
  }
  const target = key.length === 1 ? document.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  if (target) {
    event.preventDefault();
    if (target.matches("input, textarea, select")) target.focus();
    else target.click();
  }
});
