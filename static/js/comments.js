// Comments: names are offered after an @, marked words become what a comment is about, and what is half written stays.
let marked = "";
let area = null;

document.addEventListener("focusin", (event) => {
  if (event.target.matches(".say textarea")) area = event.target;
});

document.addEventListener("selectionchange", () => {
  const field = document.activeElement;
  const words = field?.matches?.(".composer textarea")
    ? field.value.slice(field.selectionStart, field.selectionEnd)
    : inPost() ? String(getSelection()) : "";
  if (words.trim()) marked = words.trim();
  for (const button of document.querySelectorAll("[data-quotes]")) button.hidden = !marked;
});

function inPost() {
  const at = getSelection().anchorNode;
  return (at?.nodeType === Node.TEXT_NODE ? at.parentElement : at)?.closest?.(".postcard .text");
}

document.addEventListener("click", (event) => {
  const quote = event.target.closest("[data-quotes]");
  if (quote) quote.closest("form").elements.quote.value = marked;
  const mention = event.target.closest("[data-mention]");
  if (mention) put(mention.closest(".say")?.querySelector("textarea[name=text]") ?? area, mention.dataset.mention);
});

// Names that begin as what stands between an @ and the cursor.
document.addEventListener("input", (event) => {
  if (!event.target.matches(".say textarea[name=text]")) return;
  const typed = before(event.target);
  const known = [...document.querySelectorAll("#people [data-mention]")].map((each) => each.dataset.mention);
  const fits = typed === null ? [] : known.filter((name) => name.toLowerCase().startsWith(typed)).slice(0, 6);
  let box = event.target.parentElement.querySelector(".names");
  if (!fits.length) return void box?.remove();
  if (!box) {
    box = Object.assign(document.createElement("div"), { className: "names" });
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Mention");
    event.target.after(box);
  }
  box.replaceChildren(...fits.map((name) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: `@${name}` });
    button.dataset.mention = name;
    return button;
  }));
});

function before(field) {
  const typed = field.value.slice(0, field.selectionStart).match(/(?:^|[\s(])@([^@\n]{0,40})$/u);
  return typed ? typed[1].toLowerCase() : null;
}

function put(field, name) {
  if (!field) return;
  const typed = before(field);
  const end = field.selectionStart;
  const start = typed === null ? end : end - typed.length - 1;
  field.setRangeText(`@${name} `, start, field.selectionEnd, "end");
  field.parentElement.querySelector(".names")?.remove();
  field.focus();
}

// The answer to one form draws all of them anew: what was written into the others is put back.
let kept = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "comments") return;
  const sent = event.detail.requestConfig?.elt;
  kept = [...event.target.querySelectorAll("textarea")]
    .filter((each) => each.value && !sent?.contains(each))
    .map((each) => ({ id: each.id, value: each.value }));
});
document.addEventListener("htmx:afterSwap", () => {
  for (const { id, value } of kept) {
    const field = document.getElementById(id);
    if (!field || field.value) continue;
    field.value = value;
    const folded = field.closest("details");
    if (folded) folded.open = true;
  }
  kept = [];
});
